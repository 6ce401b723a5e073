import type { Finding } from './findings.js';
import type { History, Operation } from './history.js';

/** How many of a viewer's lines are printed around a finding. */
const MAX_LINES = 40;
const MAX_LINE_CHARACTERS = 240;
/** Ids of one run differ in their last characters only. */
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}([0-9a-f]{8})/g;

/** A finding with the operations of its viewer, in the order in which they were sent; those that it names are marked. */
export function printFinding(finding: Finding, history: History): string {
  const { viewer, operations, sequence } = finding;
  const title = `${finding.class}${viewer ? ` (viewer ${viewer})` : ''}${sequence === undefined ? '' : `, entry ${sequence}`}: ${finding.message}`;
  if (!viewer) return title;
  const marked = new Set(operations);
  const lines = [
    ...history.operations.filter((operation) => operation.viewer === viewer).map((operation) => lineOf(operation, marked)),
    ...history.acts
      .filter((act) => act.viewer === viewer)
      .map(({ atMs, act, subject, detail }) => ({ atMs, isMarked: false, text: `  at Stripe: ${act} ${subject} ${detail}` })),
    ...history.disturbances.map(({ atMs, what }) => ({ atMs, isMarked: false, text: `  -- ${what}` })),
    ...history.final.journal
      .filter((row) => row.viewer === viewer && row.sequence === sequence)
      .map((row) => ({ atMs: Number.POSITIVE_INFINITY, isMarked: true, text: `> the journal: ${JSON.stringify(row)}` })),
  ].sort((one, other) => one.atMs - other.atMs);
  const at = lines.findIndex(({ isMarked }) => isMarked);
  const from = Math.max(0, Math.min(at - MAX_LINES / 2, lines.length - MAX_LINES));
  const shown = lines.slice(from, from + MAX_LINES);
  const left = lines.length - shown.length;
  return [
    title,
    ...shown.map(({ atMs, text }) => `${timeOf(atMs)} ${shorten(text)}`),
    ...(left > 0 ? [`(${left} more lines)`] : []),
  ].join('\n');
}

function lineOf(operation: Operation, marked: ReadonlySet<number>) {
  const { id, atMs, action, input, answer } = operation;
  const isMarked = marked.has(id);
  const outcome = answer ? `${answer.outcome} after ${Math.round(answer.atMs - atMs)} ms` : 'no answer';
  const details = answer?.error ??
    answer?.note ?? { ...answer?.data, ...(answer?.data?.grants ? { grants: answer.data.grants.length } : {}) };
  const text = `${isMarked ? '>' : ' '} #${id} ${action} ${JSON.stringify(input)} → ${outcome} ${JSON.stringify(details)}`;
  return { atMs, isMarked, text };
}

function shorten(text: string): string {
  const short = text.replaceAll(UUID, '…$1');
  return short.length > MAX_LINE_CHARACTERS ? `${short.slice(0, MAX_LINE_CHARACTERS)}…` : short;
}

const timeOf = (atMs: number) => (Number.isFinite(atMs) ? `${(atMs / 1_000).toFixed(3).padStart(9)} s` : '        end');
