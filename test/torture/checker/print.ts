import type { Finding } from './findings.js';
import type { History, Operation } from './history.js';

/** How many of a viewer's lines are printed around a finding. */
const MAX_LINES = 40;
const MAX_LINE_CHARACTERS = 240;
/** Ids of one run differ in their last characters only. */
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}([0-9a-f]{8})/g;

interface Line {
  readonly atMs: number;
  readonly text: string;
}

/** A finding with the operations of its viewer, in the order in which they were sent; those that it names are marked. */
export function printFinding(finding: Finding, history: History): string {
  const { viewer, sequence } = finding;
  const title = `${finding.class}${viewer ? ` (viewer ${viewer})` : ''}${sequence === undefined ? '' : `, entry ${sequence}`}: ${finding.message}`;
  if (!viewer) return title;
  const operations = history.operations.filter((operation) => operation.viewer === viewer);
  const lines = linesOf(finding, operations, history);
  const at = lines.findIndex(({ atMs }) => atMs >= centreOf(finding, operations, history));
  const from = Math.max(0, Math.min(at - MAX_LINES / 2, lines.length - MAX_LINES));
  const shown = lines.slice(from, from + MAX_LINES);
  const left = lines.length - shown.length;
  const printed = shown.map(({ atMs, text }) => `${timeOf(atMs)} ${shorten(text)}`);
  return [title, ...printed, ...(left > 0 ? [`(${left} more lines)`] : [])].join('\n');
}

/** What happened from the viewer's first operation to the last one. */
function linesOf(
  { viewer, operations: marked }: Finding,
  operations: readonly Operation[],
  { acts, disturbances }: History,
): Line[] {
  const [first, last] = [operations[0]?.atMs ?? 0, operations.at(-1)?.answer?.atMs ?? Number.POSITIVE_INFINITY];
  const names = new Set(marked);
  return [
    ...operations.map((operation) => lineOf(operation, names)),
    ...acts
      .filter((act) => act.viewer === viewer)
      .map(({ atMs, act, subject, detail }) => ({ atMs, text: `  at Stripe: ${act} ${subject} ${detail}` })),
    ...disturbances.filter(({ atMs }) => atMs >= first && atMs <= last).map(({ atMs, what }) => ({ atMs, text: `  -- ${what}` })),
  ].sort((one, other) => one.atMs - other.atMs);
}

/** When it happened: at its operation, or when an answer first showed the version of its entry. */
function centreOf(
  { viewer, operations: marked, sequence }: Finding,
  operations: readonly Operation[],
  { final }: History,
): number {
  const named = operations.find(({ id }) => id === marked[0]);
  if (named) return named.atMs;
  const entry = final.journal.findLast((row) => row.viewer === viewer && row.version !== null && row.sequence <= (sequence ?? 0));
  return operations.find(({ answer }) => (answer?.data?.balance?.version ?? 0) >= (entry?.version ?? 1))?.atMs ?? 0;
}

function lineOf(operation: Operation, marked: ReadonlySet<number>): Line {
  const { id, atMs, action, input, answer } = operation;
  const isMarked = marked.has(id);
  const outcome = answer ? `${answer.outcome} after ${Math.round(answer.atMs - atMs)} ms` : 'no answer';
  const details = answer?.error ??
    answer?.note ?? { ...answer?.data, ...(answer?.data?.grants ? { grants: answer.data.grants.length } : {}) };
  const text = `${isMarked ? '>' : ' '} #${id} ${action} ${JSON.stringify(input)} → ${outcome} ${JSON.stringify(details)}`;
  return { atMs, text };
}

function shorten(text: string): string {
  const short = text.replaceAll(UUID, '…$1');
  return short.length > MAX_LINE_CHARACTERS ? `${short.slice(0, MAX_LINE_CHARACTERS)}…` : short;
}

const timeOf = (atMs: number) => `${(atMs / 1_000).toFixed(3).padStart(9)} s`;
