import type { Refund } from '../../entities/refund.js';
import { refundColumns } from '../../stores/columns.js';
import type { Queryable, Statement } from '../../stores/database.js';
import { newId } from '../ids.js';

const insertRefund: Statement = {
  name: 'refunds-insert',
  text: `insert into refunds as r (id, user_id, origin, destination, status, amount, currency, unused_days, grant_id, transaction_id,
      order_id, stripe_refund_id, requested_by, created_at, completed_at, attempts, next_attempt_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) returning ${refundColumns}`,
};
export type NewRefund = Pick<Refund, 'userId' | 'origin' | 'destination' | 'status' | 'amount' | 'currency'> &
  Partial<
    Pick<
      Refund,
      'unusedDays' | 'grantId' | 'transactionId' | 'orderId' | 'stripeRefundId' | 'requestedBy' | 'attempts' | 'nextAttemptAt'
    >
  >;

/** Writes the refund's row; the database rejects more than the payment captured. */
export async function recordRefund(tx: Queryable, refund: NewRefund, now: Date): Promise<Refund> {
  const [row] = await tx.query<Refund>(insertRefund, [
    newId(),
    refund.userId,
    refund.origin,
    refund.destination,
    refund.status,
    refund.amount,
    refund.currency,
    refund.unusedDays ?? null,
    refund.grantId ?? null,
    refund.transactionId ?? null,
    refund.orderId ?? null,
    refund.stripeRefundId ?? null,
    refund.requestedBy ?? null,
    now,
    refund.status === 'PENDING' ? null : now,
    refund.attempts ?? 0,
    refund.nextAttemptAt ?? null,
  ]);
  if (!row) throw new Error('an inserted refund was not returned');
  return row;
}
