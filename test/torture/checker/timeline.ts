import { type AccountRows, groupBy } from './account-rows.js';
import type { KeyRow } from './final-state.js';
import type { History, Operation, StripeAct } from './history.js';
import type { Cut, Place, Replay } from './replay.js';

/** One viewer's part of a history, with what follows from real time about the order of its operations. */
export interface Timeline {
  readonly rows: AccountRows;
  readonly replay: Replay;
  readonly operations: readonly Operation[];
  /** The record of an operation's key; null if it took no effect, or has no key. */
  recordOf(operation: Operation): KeyRow | null;
  /** When each change may have happened at the earliest, by the same references as `replay.places`. */
  readonly begins: ReadonlyMap<string, Begin>;
  /** The number of the last entry that was known to exist before this instant. */
  knownBefore(atMs: number): number;
  /** The number of the last entry that may have existed at this instant: those after it began later. */
  possibleUntil(atMs: number): number;
  /** The states that a request sent at one instant and answered at the other may have seen. */
  visible(sentMs: number, answeredMs: number): readonly Cut[];
  /** The number of the entry that gave the balance this version; 0 for version 0, undefined if there is none. */
  sequenceOfVersion(version: number): number | undefined;
}

export interface Begin {
  readonly atMs: number;
  readonly operations: readonly number[];
}

export const keyOf = ({ caller, key }: { readonly caller: string; readonly key: string }) => `${caller} ${key}`;

export function timelineOf(
  history: History,
  rows: AccountRows,
  replay: Replay,
  operations: readonly Operation[],
  keys: ReadonlyMap<string, KeyRow>,
): Timeline {
  const recordOf = ({ caller, input }: Operation) =>
    input.idempotencyKey ? (keys.get(keyOf({ caller, key: input.idempotencyKey })) ?? null) : null;
  const begins = new Map([...beginsOfOperations(operations, recordOf, rows), ...beginsAtStripe(history, rows)]);
  const sequences = new Map(rows.journal.flatMap(({ version, sequence }) => (version === null ? [] : [[version, sequence]])));
  const sequenceOfVersion = (version: number) => (version === 0 ? 0 : sequences.get(version));
  // A transaction is seen as a whole.
  const endOf = (sequence: number) => replay.cuts.find((cut) => cut.sequence >= sequence)?.sequence ?? sequence;
  const known = knownOf(history, rows.viewer, operations, replay.places, recordOf, sequenceOfVersion).map(
    ([atMs, sequence]): [number, number] => [atMs, endOf(sequence)],
  );
  const beginnings = [...begins].flatMap(([reference, { atMs }]): [number, number][] => {
    const place = replay.places.get(reference);
    return place ? [[atMs, place.first]] : [];
  });
  const last = rows.journal.at(-1)?.sequence ?? 0;
  const knownBefore = (atMs: number) =>
    known.reduce((most, [at, sequence]) => (at < atMs && sequence > most ? sequence : most), 0);
  const possibleUntil = (atMs: number) =>
    beginnings.reduce((least, [at, first]) => (at > atMs && first - 1 < least ? first - 1 : least), last);
  const visible = (sentMs: number, answeredMs: number) => {
    const [from, until] = [knownBefore(sentMs), possibleUntil(answeredMs)];
    return replay.cuts.filter(({ sequence }, index) => {
      const next = replay.cuts[index + 1]?.sequence ?? Number.POSITIVE_INFINITY;
      return sequence <= until && next > from;
    });
  };
  return { rows, replay, operations, recordOf, begins, knownBefore, possibleUntil, visible, sequenceOfVersion };
}

type RecordOf = Timeline['recordOf'];

/** The references of what an operation changed, if it did. */
export function effectsOf(operation: Operation, record: KeyRow | null, { grants }: AccountRows): string[] {
  if (operation.action === 'revokeGrant') {
    const grant = grants.get(operation.input.grantId ?? '');
    return grant && grant.reason === operation.input.reason && grant.status === 'REVOKED' ? [`revoked:${grant.id}`] : [];
  }
  if (!record) return [];
  // Opening an order changes nothing that is in the journal: its payment does.
  return [
    ...(record.grantId ? [`grant:${record.grantId}`] : []),
    ...(record.transactionId ? [`transaction:${record.transactionId}`] : []),
    ...(record.refundId ? [`refund:${record.refundId}`] : []),
  ];
}

function beginsOfOperations(operations: readonly Operation[], recordOf: RecordOf, rows: AccountRows): Map<string, Begin> {
  const begins = new Map<string, Begin>();
  for (const operation of operations) {
    for (const reference of effectsOf(operation, recordOf(operation), rows)) {
      const known = begins.get(reference);
      begins.set(reference, {
        atMs: Math.min(operation.atMs, known?.atMs ?? operation.atMs),
        operations: [...(known?.operations ?? []), operation.id],
      });
    }
  }
  return begins;
}

/** What begins at Stripe: payments, refunds made there, disputes. */
function beginsAtStripe({ acts, final }: History, rows: AccountRows): Map<string, Begin> {
  const begins = new Map<string, Begin>();
  /** An act names what it is about, and what it created. An order may have had several sessions. */
  const note = (reference: string, kind: StripeAct['act'], about: readonly (string | null)[]) => {
    const act = acts.find(({ act, subject, detail }) => act === kind && (about.includes(subject) || about.includes(detail)));
    if (act) begins.set(reference, { atMs: act.atMs, operations: [] });
  };
  const sessions = groupBy(final.stripe.sessions, ({ orderId }) => orderId ?? '');
  for (const orderId of rows.orders.keys()) {
    const ids = (sessions.get(orderId) ?? []).map(({ id }) => id);
    note(`order:${orderId}`, 'pay', ids);
  }
  for (const { id, origin, stripeId } of rows.refunds.values())
    if (origin === 'STRIPE') note(`refund:${id}`, 'refund', [stripeId]);
  for (const { id, viewer, stripeId } of final.disputes) if (viewer === rows.viewer) note(`dispute:${id}`, 'dispute', [stripeId]);
  return begins;
}

/** When which entries were known to exist: their operation was answered, or somebody had read or received them. */
function knownOf(
  { streams }: History,
  viewer: string,
  operations: readonly Operation[],
  places: ReadonlyMap<string, Place>,
  recordOf: RecordOf,
  sequenceOfVersion: Timeline['sequenceOfVersion'],
): [number, number][] {
  const known: [number, number][] = [];
  for (const operation of operations) {
    const { answer, action } = operation;
    if (answer?.outcome !== 'OK') continue;
    for (const reference of referencesIn(operation, recordOf(operation))) {
      const place = places.get(reference);
      if (place) known.push([answer.atMs, place.last]);
    }
    if (action === 'account') known.push([answer.atMs, sequenceOfVersion(answer.data?.balance?.version ?? 0) ?? 0]);
  }
  for (const stream of streams) {
    if (stream.viewer !== viewer) continue;
    for (const { atMs, balance } of stream.items) if (balance) known.push([atMs, sequenceOfVersion(balance.version) ?? 0]);
  }
  return known;
}

/** The references that an answer proves. */
function referencesIn({ action, answer, input }: Operation, record: KeyRow | null): string[] {
  const { data } = answer ?? {};
  if (action === 'revokeGrant') return [`revoked:${input.grantId}`];
  if (action === 'order') return data?.order?.status === 'PAID' ? [`order:${data.order.id}`] : [];
  if (!record) return [];
  return [
    ...(data?.grant && action !== 'refundGrant' ? [`grant:${data.grant.id}`] : []),
    ...(data?.transaction ? [`transaction:${data.transaction.id}`] : []),
    ...(data?.refund ? [`refund:${data.refund.id}`] : []),
  ];
}
