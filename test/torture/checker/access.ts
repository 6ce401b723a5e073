import type { PlanRow } from './final-state.js';
import type { AnswerData } from './history.js';
import type { Model, ModelGrant } from './model.js';

type Decision = NonNullable<AnswerData['decisions']>[number];

/** Rule 10: whether the decision is the one that the viewer's grants lead to. A run is shorter than a day, so no grant expires. */
export function explainsAccess(decision: Decision, model: Model, plans: ReadonlyMap<string, PlanRow>): boolean {
  const grants = [...model.grants.values()].filter(({ versionId }) => plans.get(versionId)?.filmIds.includes(decision.filmId));
  const active = grants.filter(({ status }) => status === 'ACTIVE');
  if (active.length > 0) {
    const decisive = active.find(({ id }) => id === decision.grantId);
    const isLongest = decisive !== undefined && active.every(({ untilMs }) => untilMs <= decisive.untilMs);
    return decision.allowed && decision.reason === 'GRANTED' && isLongest;
  }
  const latest = grants.toSorted(follows).at(-1);
  if (decision.allowed) return false;
  return latest
    ? decision.grantId === latest.id && decision.reason === latest.status
    : decision.reason === 'NO_GRANT' && decision.grantId === null;
}

const follows = (one: ModelGrant, other: ModelGrant) => one.fromMs - other.fromMs || (one.id < other.id ? -1 : 1);
