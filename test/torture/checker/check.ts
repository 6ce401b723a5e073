import { type AccountRows, accountsIn, groupBy } from './account-rows.js';
import { checkAnswers } from './answers.js';
import { checkFinalState, checkJournal, checkReports } from './final-checks.js';
import type { FinalState, KeyRow } from './final-state.js';
import type { Finding } from './findings.js';
import type { History, Operation } from './history.js';
import { checkKeys } from './keys.js';
import { checkOrder } from './order.js';
import { replay } from './replay.js';
import { checkStreams } from './streams.js';
import { checkStripe } from './stripe-agreement.js';
import { keyOf, timelineOf } from './timeline.js';

/**
 * Everything that is wrong in a history; empty when nothing is. Each viewer is checked alone, because no operation concerns two of them.
 */
export function check(history: History): Finding[] {
  const { final } = history;
  const accounts = accountsIn(final);
  const operations = groupBy(history.operations, ({ viewer }) => viewer);
  const viewers = new Set([...accounts.keys(), ...operations.keys()]);
  const keys = new Map(final.keys.map((record) => [keyOf(record), record]));
  const findings = [...viewers].flatMap((viewer) => {
    const rows = accounts.get(viewer) ?? emptyAccount(viewer, final);
    return checkViewer(history, rows, operations.get(viewer) ?? [], keys);
  });
  return [...findings, ...checkStripe(final), ...checkReports(final)];
}

function checkViewer(
  history: History,
  rows: AccountRows,
  operations: readonly Operation[],
  keys: ReadonlyMap<string, KeyRow>,
): Finding[] {
  const broken = checkJournal(rows);
  const replayed = replay(rows);
  const timeline = timelineOf(history, rows, replayed, operations, keys);
  const streams = history.streams.filter(({ viewer }) => viewer === rows.viewer);
  const balance = history.final.balances.find(({ viewer }) => viewer === rows.viewer) ?? null;
  const always = [...broken, ...replayed.findings, ...checkKeys(timeline), ...checkOrder(timeline)];
  // What follows compares with states of the model, which are unknown after an entry that the rules do not lead to.
  if (replayed.findings.length > 0) return always;
  return [
    ...always,
    ...checkAnswers(timeline, history.acts),
    ...checkStreams(timeline, streams),
    ...checkFinalState(timeline, balance),
  ];
}

/** A viewer for whom nothing was written. */
const emptyAccount = (viewer: string, { plans }: FinalState): AccountRows => ({
  viewer,
  journal: [],
  transactions: new Map(),
  grants: new Map(),
  grantOfOrder: new Map(),
  refunds: new Map(),
  holds: [],
  orders: new Map(),
  disputes: new Map(),
  plans: new Map(plans.map((plan) => [plan.versionId, plan])),
});
