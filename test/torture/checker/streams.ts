import type { JournalRow } from './final-state.js';
import type { Finding } from './findings.js';
import type { Stream } from './history.js';
import { ENDED, type Model } from './model.js';
import type { Timeline } from './timeline.js';

/** Each live operation sent the state at its start, then every change of the journal after it: in order, without gaps or duplicates. */
export function checkStreams(timeline: Timeline, streams: readonly Stream[]): Finding[] {
  return streams.flatMap((stream) =>
    stream.field === 'balanceChanged' ? checkBalances(timeline, stream) : checkGrants(timeline, stream),
  );
}

const report = (
  { rows }: Timeline,
  { stream, field }: Stream,
  kind: Finding['class'],
  message: string,
  sequence?: number,
): Finding => ({
  class: kind,
  viewer: rows.viewer,
  message: `${field} (stream ${stream}): ${message}`,
  operations: [],
  ...(sequence === undefined ? {} : { sequence }),
});

/** Versions number the changes of a balance, so items are compared one by one. */
function checkBalances(timeline: Timeline, stream: Stream): Finding[] {
  const entries = new Map(timeline.rows.journal.flatMap((row) => (row.version === null ? [] : [[row.version, row]])));
  const last = Math.max(0, ...entries.keys());
  const findings: Finding[] = [];
  let previous: number | null = null;
  for (const { balance, transactionId, connection, hasErrors } of stream.items) {
    if (!balance) continue;
    const { version, posted, held } = balance;
    const entry = entries.get(version);
    const at = `on connection ${connection}`;
    if (previous !== null && version <= previous)
      findings.push(
        report(timeline, stream, 'STREAM_DUPLICATE', `version ${version} followed version ${previous} ${at}.`, entry?.sequence),
      );
    else if (previous !== null && version > previous + 1)
      findings.push(
        report(timeline, stream, 'STREAM_GAP', `version ${version} followed version ${previous} ${at}.`, entry?.sequence),
      );
    else if (posted !== (entry?.posted ?? 0) || held !== (entry?.held ?? 0))
      findings.push(
        report(
          timeline,
          stream,
          'STREAM_GAP',
          `version ${version} was sent as ${posted}, ${held}; the journal has ${entry?.posted}, ${entry?.held}.`,
          entry?.sequence,
        ),
      );
    else if (previous !== null && !hasErrors && (transactionId ?? null) !== transactionOf(entry))
      findings.push(
        report(
          timeline,
          stream,
          'STREAM_GAP',
          `version ${version} was sent with transaction ${transactionId}; the journal has ${transactionOf(entry)}.`,
          entry?.sequence,
        ),
      );
    previous = version;
  }
  if (previous === null) return [report(timeline, stream, 'STREAM_GAP', 'nothing was received, not even the current state.')];
  if (previous < last) findings.push(report(timeline, stream, 'STREAM_GAP', `ended at version ${previous} of ${last}.`));
  return findings;
}

const transactionOf = (row: JournalRow | undefined) => (row?.kind === 'MOVEMENT' ? row.subjectId : null);

/**
 * Changes of grants have no number of their own: there must be an entry of the journal after which the operation started, with the
 * grants of that moment first and then the grant of each entry.
 */
function checkGrants(timeline: Timeline, stream: Stream): Finding[] {
  const { rows, replay, knownBefore } = timeline;
  const items = stream.items.flatMap(({ grant, connection }) => (grant ? [{ id: grant.id, connection }] : []));
  const changes = rows.journal.filter(({ kind }) => kind === 'GRANT');
  const from = knownBefore(stream.atMs);
  const starts = replay.cuts.filter((_, index) => (replay.cuts[index + 1]?.sequence ?? Number.POSITIVE_INFINITY) > from);
  let closest = { matching: -1, expected: [] as string[], received: [] as string[] };
  for (const { sequence, model } of starts) {
    const later = changes.flatMap((row) => (row.sequence > sequence && row.subjectId ? [row.subjectId] : []));
    const first = livingIn(model);
    const received = withoutRestarts(items, first);
    const expected = [...first, ...later];
    const differing = expected.findIndex((id, index) => received[index] !== id);
    const matching = differing === -1 ? expected.length : differing;
    if (matching === expected.length && received.length === expected.length) return [];
    if (matching > closest.matching) closest = { matching, expected, received };
  }
  const { matching, expected, received } = closest;
  const isRepeated = received[matching] !== undefined && received[matching] === received[matching - 1];
  const message = `item ${matching + 1} of ${received.length} is grant ${received[matching]}; the journal has ${expected[matching]}.`;
  return [report(timeline, stream, isRepeated ? 'STREAM_DUPLICATE' : 'STREAM_GAP', message)];
}

/** The ids of the grants that were ACTIVE or SUSPENDED, oldest first. */
function livingIn({ grants }: Model): string[] {
  return [...grants.values()]
    .filter(({ status }) => !ENDED.has(status))
    .sort((one, other) => one.fromMs - other.fromMs || (one.id < other.id ? -1 : 1))
    .map(({ id }) => id);
}

/** A connection that was cut during the first state sends that state again from its beginning. */
function withoutRestarts(
  items: readonly { readonly id: string; readonly connection: number }[],
  first: readonly string[],
): string[] {
  const next = items.findIndex(({ connection }) => connection !== items[0]?.connection);
  const interrupted = items.slice(0, Math.max(next, 0)).map(({ id }) => id);
  const isPart = next > 0 && interrupted.length < first.length && interrupted.every((id, index) => id === first[index]);
  return isPart ? withoutRestarts(items.slice(next), first) : items.map(({ id }) => id);
}
