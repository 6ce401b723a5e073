import type { GrantStatus } from '../../entities/grant.js';
import type { TransactionKind } from '../../entities/transaction.js';
import { type Queryable, statement } from '../../stores/database.js';
import { lockGrantOfOrder } from '../grants/grants.js';
import type { Unit } from '../ledger/unit.js';
import { decideCredit, decideGrantStatus, decideRepayment, isExhausted, type PaymentFacts } from './decide-outside-return.js';

const readFacts = statement('outside-returns-facts')`
    select coalesce(o.captured_amount, 0)::bigint as captured, refund.*, dispute.*, spending.*
    from orders o
    cross join lateral (
      select coalesce(sum(amount), 0)::bigint as refunded,
        coalesce(sum(amount) filter (where origin = 'STRIPE'), 0)::bigint as "refundedOutside"
      from refunds where order_id = o.id and status <> 'FAILED'
    ) refund
    cross join lateral (
      select coalesce(sum(taken), 0)::bigint as disputed,
        coalesce(sum(taken) filter (where outcome = 'LOST' or (outcome = 'WON' and reinstated > 0)), 0)::bigint as "disputedFinally",
        coalesce(bool_or(outcome = 'LOST' and taken > 0), false) as "lostDispute",
        coalesce(bool_or(outcome = 'OPEN' and funds <> 'UNTOUCHED'), false) as "openDispute"
      from (
        select outcome, funds, reinstated, greatest(withdrawn - reinstated, 0) as taken from disputes where order_id = o.id
      ) d
    ) dispute
    cross join lateral (
      select coalesce(- sum(t.amount) filter (where t.kind = 'SPENDING'), 0)::bigint as paid,
        coalesce(sum(t.amount) filter (where t.kind <> 'SPENDING'), 0)::bigint as returned,
        coalesce(sum(t.amount) filter (where t.kind = 'DISPUTE' or r.origin = 'STRIPE'), 0)::bigint as "returnedOutside",
        coalesce(bool_or(r.origin = 'REQUEST' or (g.status = 'REVOKED' and g.actor_id is not null)), false) as "endedHere"
      from grants g join transactions t on t.grant_id = g.id and t.counter_account = 'REVENUE' left join refunds r on r.id = t.refund_id
      where g.order_id = o.id
    ) spending
    where o.id = $1`;
/** Suspends or resumes a grant. */
const setGrantStatus = statement('outside-returns-keep-grant')`update grants set status = $2, ended_at = null where id = $1`;

/** One movement of a payment's money outside our refunds. */
export interface OutsideMovement {
  /** In minor units: positive when it left for the payer, negative when it came back; 0 when only the state changed. */
  readonly taken: number;
  readonly kind: Extract<TransactionKind, 'REFUND' | 'DISPUTE'>;
  readonly orderId: string;
  readonly refundId?: string;
  readonly disputeId?: string;
  /** Whether this loses a dispute: what its money was taken for counts as returned from now on. */
  readonly lost?: boolean;
  /** The amount of a refund that had failed before we heard of it. It counts here, although its row does not. */
  readonly alsoRefunded?: number;
}

/**
 * Rule 7, in one place for refunds made at Stripe and disputes: credit and debit, or what comes back; then the grant. The rows
 * of the refund or dispute must already say what has happened; the caller must hold the viewer's lock.
 */
export async function bookOutsideMovement(unit: Unit, movement: OutsideMovement): Promise<void> {
  // 1. Load
  const grant = await lockGrantOfOrder(unit.tx, movement.orderId);
  const facts = await factsOf(unit.tx, movement);
  // 2. Decide
  const { taken, kind, orderId, refundId, disputeId } = movement;
  const credit = taken > 0 ? decideCredit(taken, facts) : 0;
  const repaid = taken < 0 ? decideRepayment(-taken, facts, grant?.status ?? null) : 0;
  const endsIt = taken > 0 || movement.lost === true;
  const rest = grant && endsIt && isExhausted(facts) ? facts.paid - facts.returned - credit + repaid : 0;
  const status = grant && decideGrantStatus(grant, facts, unit.now);
  // 3. Write
  const link = { kind, orderId, grantId: grant?.id ?? null, refundId, disputeId };
  if (credit > 0) await unit.post({ ...link, amount: credit, counterAccount: 'REVENUE' });
  if (taken !== 0) await unit.post({ ...link, amount: -taken, counterAccount: 'STRIPE' });
  if (repaid > 0) await unit.post({ ...link, amount: -repaid, counterAccount: 'REVENUE' });
  if (rest > 0) await unit.post({ ...link, amount: rest, counterAccount: 'REVENUE' });
  if (grant && status && status !== grant.status) await moveGrant(unit, grant.id, status);
}

async function factsOf(tx: Queryable, { orderId, alsoRefunded = 0 }: OutsideMovement): Promise<PaymentFacts> {
  const [facts] = await tx.query<PaymentFacts>(readFacts, [orderId]);
  if (!facts) throw new Error(`order ${orderId} is gone`);
  const { refunded, refundedOutside } = facts;
  return { ...facts, refunded: refunded + alsoRefunded, refundedOutside: refundedOutside + alsoRefunded };
}

async function moveGrant(unit: Unit, grantId: string, status: GrantStatus): Promise<void> {
  if (status === 'ACTIVE' || status === 'SUSPENDED') await keepGrant(unit, grantId, status);
  else await unit.endGrant(grantId, status);
}

async function keepGrant(unit: Unit, grantId: string, status: GrantStatus): Promise<void> {
  await unit.tx.query(setGrantStatus, [grantId, status]);
  unit.changed('GRANT', grantId);
}
