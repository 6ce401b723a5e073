import type { JournalRow } from './final-state.js';
import type { Finding } from './findings.js';
import type { Stream } from './history.js';
import { ENDED, type Model } from './model.js';
import type { Cut } from './replay.js';
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
  for (const { balance, transactionId, attempt, hasErrors } of stream.items) {
    if (!balance) continue;
    const { version, posted, held } = balance;
    const entry = entries.get(version);
    const at = `in attempt ${attempt}`;
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

interface Received {
  readonly id: string;
  readonly attempt: number;
}

/**
 * Changes of grants have no number of their own: there must be an entry of the journal after which the operation started, with the
 * grants of that moment first and then the grant of each entry.
 */
function checkGrants(timeline: Timeline, stream: Stream): Finding[] {
  const { replay, knownBefore } = timeline;
  const items = stream.items.flatMap(({ grant, attempt }) => (grant ? [{ id: grant.id, attempt }] : []));
  const from = knownBefore(stream.atMs);
  const starts = replay.cuts.filter((_, index) => (replay.cuts[index + 1]?.sequence ?? Number.POSITIVE_INFINITY) > from);
  const { matching, expected, received } = closestStart(timeline, starts, items);
  if (matching === expected.length && received.length === expected.length) return [];
  const isRepeated = received[matching] !== undefined && received[matching]?.id === received[matching - 1]?.id;
  const message = `item ${matching + 1} of ${received.length} is grant ${received[matching]?.id}; the journal has ${expected[matching]}.`;
  return [report(timeline, stream, isRepeated ? 'STREAM_DUPLICATE' : 'STREAM_GAP', message)];
}

interface Match {
  /** How many items are as expected. */
  readonly matching: number;
  readonly expected: readonly string[];
  readonly received: readonly Received[];
}

/** The start that explains the most of what was received. */
function closestStart({ rows }: Timeline, starts: readonly Cut[], received: readonly Received[]): Match {
  const changes = rows.journal.filter(({ kind }) => kind === 'GRANT');
  let closest: Match = { matching: -1, expected: [], received };
  for (const { model, after, skipped } of possibleStarts(starts, received)) {
    const later = changes.flatMap((row) => (row.sequence > after && row.subjectId ? [row.subjectId] : []));
    const expected = [...livingIn(model), ...later];
    const rest = received.slice(skipped);
    const differing = expected.findIndex((id, index) => rest[index]?.id !== id);
    const matching = differing === -1 ? expected.length : differing;
    if (matching === expected.length && rest.length === expected.length) return { matching, expected, received: rest };
    if (matching > closest.matching) closest = { matching, expected, received: rest };
  }
  return closest;
}
/** The ids of the grants that were ACTIVE or SUSPENDED, oldest first. */
function livingIn({ grants }: Model): string[] {
  return [...grants.values()]
    .filter(({ status }) => !ENDED.has(status))
    .sort((one, other) => one.fromMs - other.fromMs || (one.id < other.id ? -1 : 1))
    .map(({ id }) => id);
}

interface Start {
  readonly model: Model;
  readonly after: number;
  /** How many items came before it was interrupted. */
  readonly skipped: number;
}

/**
 * Where the operation may have started. An operation that was interrupted during its first state sends the state again, as it is by then: the
 * items before it are the beginning of an earlier state.
 */
function possibleStarts(cuts: readonly Cut[], received: readonly Received[], skipped = 0): Start[] {
  const starts = cuts.map(({ model, sequence }) => ({ model, after: sequence, skipped }));
  const next = received.findIndex(({ attempt }, index) => index >= skipped && attempt !== received[skipped]?.attempt);
  if (next === -1) return starts;
  const interrupted = received.slice(skipped, next);
  const first = cuts.findIndex(({ model }) => {
    const living = livingIn(model);
    return interrupted.length < living.length && interrupted.every(({ id }, index) => id === living[index]);
  });
  return first === -1 ? starts : [...starts, ...possibleStarts(cuts.slice(first), received, next)];
}
