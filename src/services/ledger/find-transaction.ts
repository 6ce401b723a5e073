import type { Transaction } from '../../entities/transaction.js';
import type { Queryable, Statement } from '../../stores/database.js';

/** A transaction's row in the words of its entity; the table is called t. */
export const TRANSACTION_COLUMNS = `t.id, t.user_id as "userId", t.kind, t.amount, t.currency, t.balance_after as "balanceAfter", t.version,
  t.counter_account as "counterAccount", t.created_at as "createdAt", t.order_id as "orderId", t.grant_id as "grantId",
  t.refund_id as "refundId", t.dispute_id as "disputeId", t.stripe_payment_intent_id as "stripePaymentIntentId", t.reason,
  t.actor_id as "actorId"`;

const byId: Statement = { name: 'transactions-by-id', text: `select ${TRANSACTION_COLUMNS} from transactions t where t.id = $1` };

export async function findTransaction(database: Queryable, id: string): Promise<Transaction | null> {
  return (await database.query<Transaction>(byId, [id]))[0] ?? null;
}
