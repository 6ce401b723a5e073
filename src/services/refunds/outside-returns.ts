import type { Grant } from '../../entities/grant.js';
import type { TransactionKind } from '../../entities/transaction.js';
import type { Queryable, Statement } from '../../stores/database.js';
import { lockGrantOfOrder } from '../grants/find-grant.js';
import type { Wallet } from '../ledger/wallet.js';
import { decideCredit, decideGrantStatus, decideRepayment, isExhausted, type PaymentFacts } from './decide-outside-return.js';

const readFacts: Statement = {
  name: 'outside-returns-facts',
  text: `select coalesce(o.captured_amount, 0)::bigint as captured, refund.*, dispute.*, spending.*
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
    where o.id = $1`,
};
const changeGrant: Statement = {
  name: 'outside-returns-change-grant',
  text: `update grants set status = $2, ended_at = $3, reason = coalesce(reason, $4) where id = $1`,
};

/** One movement of a payment's money outside our refunds. */
export interface OutsideMovement {
  /** In minor units: positive when it left for the payer, negative when it came back; 0 when only the news changed. */
  readonly taken: number;
  readonly kind: Extract<TransactionKind, 'REFUND' | 'DISPUTE'>;
  readonly orderId: string;
  readonly refundId?: string;
  readonly disputeId?: string;
  readonly reason?: string;
  /** A dispute is lost by this: what its money was taken for counts as returned from now on. */
  readonly lost?: boolean;
  /** A refund that failed before we heard of it counts here, although its row does not. */
  readonly alsoRefunded?: number;
}

/**
 * Rule 7, written down once for refunds made at Stripe and disputes: credit and debit, or what comes back; then the grant. The
 * rows of the refund or dispute must already say what has happened; the viewer's lock must be held.
 */
export async function bookOutsideMovement(tx: Queryable, wallet: Wallet, movement: OutsideMovement, now: Date): Promise<void> {
  const grant = await lockGrantOfOrder(tx, movement.orderId);
  const facts = await factsOf(tx, movement);
  const { taken, kind, orderId, refundId, disputeId, reason } = movement;
  const link = { kind, orderId, grantId: grant?.id ?? null, refundId, disputeId, reason };
  const credit = taken > 0 ? decideCredit(taken, facts) : 0;
  const repaid = taken < 0 ? decideRepayment(-taken, facts, grant?.status ?? null) : 0;
  if (credit > 0) await wallet.post({ ...link, amount: credit, counterAccount: 'REVENUE' });
  if (taken !== 0) await wallet.post({ ...link, amount: -taken, counterAccount: 'STRIPE' });
  if (repaid > 0) await wallet.post({ ...link, amount: -repaid, counterAccount: 'REVENUE' });
  if (!grant) return;
  const rest = facts.paid - facts.returned - credit + repaid;
  const endsIt = taken > 0 || movement.lost === true;
  if (endsIt && isExhausted(facts) && rest > 0) await wallet.post({ ...link, amount: rest, counterAccount: 'REVENUE' });
  await moveGrant(tx, wallet, grant, facts, now);
}

async function factsOf(tx: Queryable, { orderId, alsoRefunded = 0 }: OutsideMovement): Promise<PaymentFacts> {
  const [facts] = await tx.query<PaymentFacts>(readFacts, [orderId]);
  if (!facts) throw new Error(`order ${orderId} is gone`);
  const { refunded, refundedOutside } = facts;
  return { ...facts, refunded: refunded + alsoRefunded, refundedOutside: refundedOutside + alsoRefunded };
}

async function moveGrant(tx: Queryable, wallet: Wallet, grant: Grant, facts: PaymentFacts, now: Date): Promise<void> {
  const status = decideGrantStatus(grant, facts, now);
  if (status === grant.status) return;
  const over = status !== 'ACTIVE' && status !== 'SUSPENDED';
  const reason = status === 'REVOKED' ? 'A dispute about the payment was lost.' : null;
  await tx.query(changeGrant, [grant.id, status, over ? now : null, reason]);
  await wallet.grantChanged(grant.id);
}
