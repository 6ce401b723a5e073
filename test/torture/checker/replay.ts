import type { AccountRows } from './account-rows.js';
import type { GrantRow, JournalRow, RefundRow, TransactionRow } from './final-state.js';
import type { Finding } from './findings.js';
import {
  adjust,
  buyFromBalance,
  type Change,
  capture,
  EMPTY,
  type Entry,
  expire,
  gift,
  type Model,
  type ModelDispute,
  type NewGrant,
  pay,
  refundGrant,
  refundTopUp,
  release,
  reverse,
  revoke,
} from './model.js';
import { outsideReturn } from './outside-return.js';

/** A state that a reader could see: the one after the transaction whose last entry has this number. */
export interface Cut {
  readonly sequence: number;
  readonly model: Model;
}

/** Where in the journal something was changed: the numbers of the first and last entry of its transaction. */
export interface Place {
  readonly first: number;
  readonly last: number;
}

export interface Replay {
  /** The first is the empty account, before any entry. */
  readonly cuts: readonly Cut[];
  /** By reference: `transaction:id`, `grant:id` (its issue), `revoked:id`, `refund:id` (its request), `dispute:id`, `order:id` (its payment). */
  readonly places: ReadonlyMap<string, Place>;
  readonly findings: readonly Finding[];
}

/** A change that the rules lead to; null if they refuse it here. */
interface Step {
  readonly name: string;
  readonly change: Change | null;
  readonly references?: readonly string[];
}

/** What one transaction wrote. */
interface Group {
  readonly rows: readonly JournalRow[];
  /** Those about the balance, in order. */
  readonly balance: readonly JournalRow[];
}

type State = Readonly<Record<string, string | number | null>>;

/**
 * Replays a viewer's journal on the model, transaction by transaction: what an entry is about is read from its references, and what it
 * must say follows from the rules. Stops at the first one that the rules do not lead to, because everything after it depends on it.
 */
export function replay(rows: AccountRows): Replay {
  let model = EMPTY;
  const cuts: Cut[] = [{ sequence: 0, model }];
  const places = new Map<string, Place>();
  for (const group of groupsOf(rows.journal)) {
    const place = { first: group.rows[0]?.sequence ?? 0, last: group.rows.at(-1)?.sequence ?? 0 };
    const replayed = replayGroup(rows, model, group);
    if ('message' in replayed) {
      const finding = { class: 'DIFFERS_FROM_MODEL', viewer: rows.viewer, operations: [], sequence: place.first } as const;
      return { cuts, places, findings: [{ ...finding, message: replayed.message }] };
    }
    // The first change of a refund or dispute is its place.
    for (const reference of replayed.references) if (!places.has(reference)) places.set(reference, place);
    model = replayed.model;
    cuts.push({ sequence: place.last, model });
  }
  return { cuts, places, findings: [] };
}

function groupsOf(journal: readonly JournalRow[]): Group[] {
  const groups: JournalRow[][] = [];
  for (const row of journal) {
    const last = groups.at(-1);
    if (last?.[0]?.position === row.position) last.push(row);
    else groups.push([row]);
  }
  return groups.map((rows) => ({ rows, balance: rows.filter(({ version }) => version !== null) }));
}

function replayGroup(
  rows: AccountRows,
  before: Model,
  group: Group,
): { model: Model; references: string[] } | { message: string } {
  let model = before;
  const references = group.balance.flatMap(({ kind, subjectId }) => (kind === 'MOVEMENT' ? [`transaction:${subjectId}`] : []));
  for (let index = 0; index < group.balance.length; ) {
    const step = stepAt(rows, model, group, index);
    if (!step?.change?.entries.length || !isInJournal(step.change.entries, model, rows, group.balance.slice(index))) {
      return { message: differs(rows, group, group.balance[index], step) };
    }
    references.push(...(step.references ?? []));
    model = step.change.after;
    index += step.change.entries.length;
  }
  for (const row of group.rows) {
    const step = stepWithoutMoney(rows, model, row);
    if (!step) continue;
    if (!step.change || step.change.entries.length > 0) return { message: differs(rows, group, row, step) };
    references.push(...(step.references ?? []));
    model = step.change.after;
  }
  const different = wrongStates(before, model, group);
  return different === null ? { model, references } : { message: different };
}

function isInJournal(
  entries: readonly Entry[],
  model: Model,
  { transactions }: AccountRows,
  rows: readonly JournalRow[],
): boolean {
  let { posted, held, version } = model;
  return entries.every((entry, index) => {
    const row = rows[index];
    if (!row) return false;
    posted += entry.posted ?? 0;
    held += entry.held ?? 0;
    version += 1;
    if (row.version !== version || row.posted !== posted || row.held !== held) return false;
    if (entry.posted === undefined) return row.kind === 'HOLD';
    const transaction = row.kind === 'MOVEMENT' ? transactions.get(row.subjectId ?? '') : undefined;
    return transaction?.amount === entry.posted && transaction.counterAccount === entry.counterAccount;
  });
}

/** What the entry about the balance is about; null when its references lead nowhere. */
function stepAt(rows: AccountRows, model: Model, group: Group, index: number): Step | null {
  const row = group.balance[index];
  if (row?.kind === 'HOLD') return stepOfHold(rows, model, row);
  const transaction = rows.transactions.get(row?.subjectId ?? '');
  if (!transaction) return null;
  const { kind, amount, orderId, grantId, refundId, disputeId } = transaction;
  switch (kind) {
    case 'ADJUSTMENT':
      return { name: `an adjustment of ${amount}`, change: adjust(model, amount) };
    case 'TOP_UP':
      return stepOfPayment(rows, model, orderId, amount);
    case 'SPENDING': {
      const grant = rows.grants.get(grantId ?? '');
      if (!grant) return null;
      // A free plan by card has no TOP_UP.
      if (grant.orderId) return stepOfPayment(rows, model, grant.orderId, 0);
      const price = rows.plans.get(grant.versionId)?.price ?? Number.NaN;
      const change = buyFromBalance(model, newGrant(grant), price);
      return { name: `a purchase from the balance for ${price}`, change, references: [`grant:${grant.id}`] };
    }
    case 'DISPUTE':
      return stepOfDispute(
        rows,
        model,
        group.rows.find(({ subjectId }) => subjectId === disputeId),
      );
    case 'REFUND': {
      const refund = rows.refunds.get(refundId ?? '');
      if (!refund) return null;
      if (refund.origin === 'REQUEST') return stepOfOurRefund(model, refund, transaction);
      return stepOfRefundAtStripe(rows, model, refund, group, index);
    }
  }
}

function stepOfPayment(rows: AccountRows, model: Model, orderId: string | null, captured: number): Step | null {
  const order = rows.orders.get(orderId ?? '');
  const grant = rows.grantOfOrder.get(orderId ?? '') ?? null;
  if (!order || (order.kind === 'PURCHASE') !== (grant !== null)) return null;
  const references = [`order:${order.id}`, ...(grant ? [`grant:${grant.id}`] : [])];
  return { name: `a payment of ${captured}`, change: pay(model, order.id, captured, grant && newGrant(grant)), references };
}

function stepOfOurRefund(model: Model, refund: RefundRow, { counterAccount, amount, atMs }: TransactionRow): Step | null {
  const { id, grantId, orderId, destination } = refund;
  if (counterAccount === 'REVENUE') {
    if (grantId === null) return null;
    const change = refundGrant(model, id, grantId, destination === 'CARD', atMs);
    return { name: `a refund of ${amount} for a grant`, change, references: [`refund:${id}`] };
  }
  if (orderId === null) return null;
  if (amount < 0 && model.holds.has(id)) return { name: 'a payout that succeeded', change: capture(model, id) };
  return { name: 'a payout that ended differently after all', change: reverse(model, id, orderId, amount) };
}

function stepOfRefundAtStripe(
  rows: AccountRows,
  model: Model,
  refund: RefundRow,
  { balance }: Group,
  index: number,
): Step | null {
  const atStripe = balance
    .slice(index, index + 2)
    .map(({ subjectId }) => rows.transactions.get(subjectId ?? ''))
    .find((row) => row?.counterAccount === 'STRIPE' && row.refundId === refund.id);
  if (!atStripe || refund.orderId === null) return null;
  const taken = -atStripe.amount;
  const change = outsideReturn(model, { orderId: refund.orderId, refundId: refund.id, taken });
  return { name: `a refund made at Stripe that took ${taken}`, change, references: [`refund:${refund.id}`] };
}

function stepOfDispute(rows: AccountRows, model: Model, row: JournalRow | undefined): Step | null {
  const orderId = rows.disputes.get(row?.subjectId ?? '')?.orderId;
  if (!row?.subjectId || !orderId) return null;
  const { outcome, funds, withdrawn, reinstated } = stateOf(row);
  const dispute: ModelDispute = {
    outcome: outcome as ModelDispute['outcome'],
    taken: Math.max(0, Number(withdrawn) - Number(reinstated)),
    movedFunds: funds !== 'UNTOUCHED',
  };
  const change = outsideReturn(model, { orderId, disputeId: row.subjectId, dispute });
  return { name: `a dispute that is ${row.state}`, change, references: [`dispute:${row.subjectId}`] };
}

function stepOfHold({ holds, refunds }: AccountRows, model: Model, row: JournalRow): Step | null {
  const hold = holds.find(({ id }) => id === row.subjectId);
  const refund = refunds.get(hold?.refundId ?? '');
  if (!hold || !refund?.orderId) return null;
  if (stateOf(row).status === 'RELEASED')
    return { name: 'a payout that failed', change: release(model, refund.id, refund.orderId) };
  const change = refundTopUp(model, refund.id, refund.orderId, hold.amount);
  return { name: `a refund of ${hold.amount} of a top-up`, change, references: [`refund:${refund.id}`] };
}

/** A change that this entry reports and that moved no money; null if it is part of one that did, or of none that the model has. */
function stepWithoutMoney(rows: AccountRows, model: Model, row: JournalRow): Step | null {
  const { subjectId, kind } = row;
  if (kind === 'DISPUTE') return stepOfDispute(rows, model, row);
  if (kind !== 'GRANT' || subjectId === null) return null;
  const { status } = stateOf(row);
  const known = model.grants.get(subjectId);
  const grant = rows.grants.get(subjectId);
  if (!known && grant) {
    const isGift = grant.paidWith === 'GIFT';
    return { name: 'a gift', change: isGift ? gift(model, newGrant(grant)) : null, references: [`grant:${subjectId}`] };
  }
  if (status === known?.status) return null;
  if (status === 'REVOKED' && row.actorId !== null)
    return { name: 'a revocation', change: revoke(model, subjectId), references: [`revoked:${subjectId}`] };
  return status === 'EXPIRED' ? { name: 'an expiry', change: expire(model, subjectId, msOf(row)) } : null;
}

/** What the entries say of grants and holds is what the model has, and each grant that changed has an entry; null if so. */
function wrongStates(before: Model, after: Model, { rows }: Group): string | null {
  const reported = new Set(rows.map(({ subjectId }) => subjectId));
  for (const row of rows) {
    if (row.kind !== 'GRANT') continue;
    const expected = after.grants.get(row.subjectId ?? '')?.status;
    const { status } = stateOf(row);
    if (status !== expected) return `By the rules, grant ${row.subjectId} is ${expected}; the journal has ${status}.`;
  }
  for (const [id, { status }] of after.grants)
    if (before.grants.get(id)?.status !== status && !reported.has(id))
      return `By the rules, grant ${id} becomes ${status}; the journal has no entry for it.`;
  return null;
}

const stateOf = ({ state }: JournalRow): State => JSON.parse(state ?? '{}') as State;

/** 2000-01-01 in milliseconds since 1970. */
const EPOCH_MS = 946_684_800_000;
const msOf = ({ createdAt }: JournalRow) => EPOCH_MS + Number(BigInt(createdAt) / 1_000n);

const newGrant = ({ id, versionId, fromMs, untilMs, durationDays }: GrantRow): NewGrant => ({
  id,
  versionId,
  fromMs,
  untilMs,
  durationDays,
});

function differs(rows: AccountRows, group: Group, row: JournalRow | undefined, step: Step | null): string {
  const written = JSON.stringify(
    group.rows.map(({ sequence, kind, subjectId, version, posted, held, state }) => {
      const { kind: of, amount, counterAccount, atMs } = rows.transactions.get(subjectId ?? '') ?? {};
      return { sequence, kind, subjectId, version, posted, held, state, of, amount, counterAccount, atMs };
    }),
  );
  if (!step) return `Nothing explains entry ${row?.sequence} of this transaction in the journal: ${written}.`;
  const expected = step.change ? `writes ${JSON.stringify(step.change.entries)}` : 'must not happen here';
  return `By the rules, ${step.name} ${expected}; the journal has ${written}.`;
}
