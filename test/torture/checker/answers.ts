import { explainsAccess } from './access.js';
import type { Finding } from './findings.js';
import type { BalanceData, Operation, StripeAct } from './history.js';
import { explainsRefusal } from './refusals.js';
import type { Place } from './replay.js';
import type { Timeline } from './timeline.js';

/**
 * The answers are those that the model gives: an acknowledged change is answered with the state that it led to, and a read or a refusal
 * with one that was current at some moment between request and answer.
 */
export function checkAnswers(timeline: Timeline, acts: readonly StripeAct[]): Finding[] {
  return timeline.operations.flatMap((operation) => {
    const { answer } = operation;
    if (answer?.outcome === 'DEFECT') return [finding('DEFECT', timeline, operation, `The server has a defect: ${answer.note}`)];
    if (answer?.outcome === 'REFUSED') return checkRefusal(timeline, operation, acts);
    if (answer?.outcome === 'OK') return [...checkBalance(timeline, operation), ...checkData(timeline, operation)];
    return [];
  });
}

const finding = (
  kind: Finding['class'],
  { rows }: Timeline,
  operation: Operation,
  message: string,
  sequence?: number,
): Finding => ({
  class: kind,
  viewer: rows.viewer,
  message,
  operations: [operation.id],
  ...(sequence === undefined ? {} : { sequence }),
});

function checkRefusal(timeline: Timeline, operation: Operation, acts: readonly StripeAct[]): Finding[] {
  const { answer, atMs } = operation;
  if (!answer?.error) return [];
  const states = timeline.visible(atMs, answer.atMs);
  if (states.some(({ model }) => explainsRefusal(timeline, operation, model, acts))) return [];
  const window = `entries ${states[0]?.sequence} to ${states.at(-1)?.sequence}`;
  const message = `${operation.action} was refused with ${JSON.stringify(answer.error)}, which no state of ${window} explains.`;
  return [finding('ANSWER_NOT_EXPLAINED', timeline, operation, message, states.at(-1)?.sequence)];
}

/** A balance in an answer is the one in the journal at its version; after a change, not an earlier one than the change led to. */
function checkBalance(timeline: Timeline, operation: Operation): Finding[] {
  const balance = operation.answer?.data?.balance;
  if (!balance) return [];
  const entry = timeline.rows.journal.find(({ version }) => version === balance.version);
  const expected = { posted: entry?.posted ?? 0, held: entry?.held ?? 0 };
  const exists = entry !== undefined || balance.version === 0;
  if (!exists || !isBalance(balance, expected)) {
    const written = exists ? JSON.stringify(expected) : 'no such version';
    const message = `${operation.action} returned the balance ${JSON.stringify(balance)}; the journal has ${written}.`;
    return [finding('ANSWER_NOT_EXPLAINED', timeline, operation, message, entry?.sequence)];
  }
  const place = placeOf(timeline, operation);
  if (!place) return [];
  const own = timeline.rows.journal.findLast(({ version, sequence }) => version !== null && sequence <= place.last)?.version ?? 0;
  // A refund to a card is answered after its payout, so other changes may have followed.
  const isRefund = operation.action === 'refundGrant' || operation.action === 'refundTransaction';
  if (isRefund ? balance.version >= own : balance.version === own) return [];
  const message = `${operation.action} returned version ${balance.version}, but its change led to version ${own}.`;
  return [finding('ANSWER_NOT_EXPLAINED', timeline, operation, message, place.last)];
}

const isBalance = (balance: BalanceData, { posted, held }: { posted: number; held: number }) =>
  balance.posted === posted && balance.held === held && balance.available === posted - held;

/** Where a mutation's change is in the journal. */
function placeOf({ replay: { places } }: Timeline, { answer, action }: Operation): Place | undefined {
  const { grant, refund, transaction } = answer?.data ?? {};
  if (refund) return places.get(`refund:${refund.id}`);
  if (transaction) return places.get(`transaction:${transaction.id}`);
  return grant && action !== 'revokeGrant' ? places.get(`grant:${grant.id}`) : undefined;
}

function checkData(timeline: Timeline, operation: Operation): Finding[] {
  const { answer, action, input } = operation;
  const data = answer?.data ?? {};
  const { rows } = timeline;
  const not = (message: string) => [finding('ANSWER_NOT_EXPLAINED', timeline, operation, message)];
  if (action === 'refundGrant' || action === 'refundTransaction') {
    const row = rows.refunds.get(data.refund?.id ?? '');
    const wanted = action === 'refundTransaction' ? input.amount : undefined;
    if (row && (row.amount !== data.refund?.amount || (wanted !== undefined && wanted !== row.amount)))
      return not(`A refund of ${wanted ?? 'what is due'} was answered with ${data.refund?.amount}; ${row.amount} was refunded.`);
    if (input.destination && data.refund?.destination !== input.destination)
      return not(`A refund to ${input.destination} was made to ${data.refund?.destination}.`);
  }
  if (action === 'adjustBalance' && data.transaction && data.transaction.amount !== input.amount)
    return not(`An adjustment of ${input.amount} was answered with ${data.transaction.amount}.`);
  if (action === 'account') return checkAccount(timeline, operation);
  if (action === 'access') return checkAccess(timeline, operation);
  return action === 'order' ? checkOrderRead(timeline, operation) : [];
}

/** The parts of a page may be read one after the other, so each must be explained by some state of the time. */
function checkAccount(timeline: Timeline, operation: Operation): Finding[] {
  const { answer, atMs } = operation;
  if (!answer?.data) return [];
  const states = timeline.visible(atMs, answer.atMs);
  const stale = (message: string) => finding('STALE_READ', timeline, operation, message, states[0]?.sequence);
  const read = new Map((answer.data.grants ?? []).map(({ id, status }) => [id, status]));
  const findings: Finding[] = [];
  for (const [id, status] of read) {
    const known = states.some(({ model }) => model.grants.get(id)?.status === status);
    if (!known) findings.push(stale(`A read showed grant ${id} as ${status}, which it was at no moment of the time.`));
  }
  for (const id of states[0]?.model.grants.keys() ?? [])
    if (answer.data.grants && !read.has(id)) findings.push(stale(`A read left out grant ${id}, which was known to exist.`));
  return findings;
}

function checkAccess(timeline: Timeline, operation: Operation): Finding[] {
  const { answer, atMs } = operation;
  const states = answer ? timeline.visible(atMs, answer.atMs) : [];
  return (answer?.data?.decisions ?? []).flatMap((decision) => {
    if (states.some(({ model }) => explainsAccess(decision, model, timeline.rows.plans))) return [];
    const window = `entries ${states[0]?.sequence} to ${states.at(-1)?.sequence}`;
    const message = `Access was answered with ${JSON.stringify(decision)}, which no state of ${window} explains.`;
    return [finding('STALE_READ', timeline, operation, message, states[0]?.sequence)];
  });
}

/** A payment that was known is not forgotten. */
function checkOrderRead(timeline: Timeline, operation: Operation): Finding[] {
  const { answer, atMs } = operation;
  const order = answer?.data?.order;
  const place = timeline.replay.places.get(`order:${order?.id}`);
  if (!order || !place || order.status === 'PAID' || timeline.knownBefore(atMs) < place.last) return [];
  const message = `A read showed order ${order.id} as ${order.status}, although its payment, entry ${place.last}, was known before.`;
  return [finding('STALE_READ', timeline, operation, message, place.last)];
}
