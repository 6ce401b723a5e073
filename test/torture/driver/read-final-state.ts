import pg from 'pg';
import type Stripe from 'stripe';
import type { FinalState, StripeState } from '../checker/final-state.js';
import { readJournal } from './read-journal.js';

const ms = (column: string) => `(extract(epoch from ${column}) * 1000)::float8`;

/** Amounts as floating point numbers, which are exact here: node-postgres would return bigints as text. */
const TABLES = {
  plans: `select v.subscription_id as "subscriptionId", v.id as "versionId", v.price::float8, v.duration_days as "durationDays",
      array(select film_id from subscription_version_films f where f.version_id = v.id) as "filmIds" from subscription_versions v`,
  balances: `select user_id as viewer, posted::float8, held::float8, version, journal_sequence as sequence from balances`,
  transactions: `select id, user_id as viewer, kind, amount::float8, balance_after::float8 as "balanceAfter", version,
      counter_account as "counterAccount", ${ms('created_at')} as "atMs", order_id as "orderId", grant_id as "grantId",
      refund_id as "refundId", dispute_id as "disputeId" from transactions`,
  grants: `select id, user_id as viewer, version_id as "versionId", status, paid_with as "paidWith", duration_days as "durationDays",
      ${ms('granted_at')} as "fromMs", ${ms('available_until')} as "untilMs", order_id as "orderId", actor_id as "actorId",
      (select text::jsonb ->> 'reason' from erasable_texts where digest = text_digest) as reason from grants`,
  holds: `select id, user_id as viewer, refund_id as "refundId", amount::float8, status from holds`,
  refunds: `select id, user_id as viewer, origin, destination, status, amount::float8, grant_id as "grantId",
      transaction_id as "transactionId", order_id as "orderId", stripe_refund_id as "stripeId" from refunds`,
  orders: `select id, user_id as viewer, kind, status, amount::float8, captured_amount::float8 as captured, version_id as "versionId",
      stripe_payment_intent_id as "paymentId" from orders`,
  disputes: `select id, user_id as viewer, order_id as "orderId", stripe_dispute_id as "stripeId", outcome, withdrawn::float8,
      reinstated::float8 from disputes`,
  keys: `select caller_id as caller, key, operation, result ->> 'grantId' as "grantId", result ->> 'orderId' as "orderId",
      result ->> 'refundId' as "refundId", result ->> 'transactionId' as "transactionId" from idempotency_records`,
} as const;

export type Reports = Pick<FinalState, 'discrepancies' | 'differences' | 'unsettled'>;

/** Everything that the checker compares with, from the database and from Stripe. */
export async function readFinalState(databaseUrl: string, stripe: Stripe, reports: Reports): Promise<FinalState> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const tables: Record<string, unknown[]> = { journal: await readJournal(client) };
    for (const [name, text] of Object.entries(TABLES)) tables[name] = (await client.query(text)).rows;
    return { ...(tables as unknown as Omit<FinalState, 'stripe' | keyof Reports>), stripe: await readStripe(stripe), ...reports };
  } finally {
    await client.end();
  }
}

const PAGE = { limit: 100 } as const;
const idOf = (reference: string | { id: string } | null) => (typeof reference === 'string' ? reference : (reference?.id ?? null));

async function readStripe(stripe: Stripe): Promise<StripeState> {
  const state = { sessions: [], payments: [], refunds: [], disputes: [] } as {
    [Name in keyof StripeState]: StripeState[Name][number][];
  };
  for await (const session of stripe.checkout.sessions.list(PAGE)) {
    const { id, metadata, status, payment_status, amount_total, payment_intent } = session;
    const paid = status === 'complete' && payment_status !== 'unpaid';
    state.sessions.push({
      id,
      orderId: metadata?.order_id ?? null,
      paid,
      amount: amount_total ?? 0,
      paymentId: idOf(payment_intent),
    });
  }
  for await (const charge of stripe.charges.list(PAGE)) {
    const id = idOf(charge.payment_intent);
    if (id && charge.status === 'succeeded') state.payments.push({ id, captured: charge.amount_captured });
  }
  for await (const { id, payment_intent, amount, status, metadata } of stripe.refunds.list(PAGE)) {
    const refundId = metadata?.refund_id ?? null;
    state.refunds.push({ id, paymentId: idOf(payment_intent) ?? '', amount, status: status ?? '', refundId });
  }
  for await (const { id, payment_intent, status, balance_transactions } of stripe.disputes.list(PAGE)) {
    const sum = (sign: number) =>
      balance_transactions.reduce((total, { amount }) => (Math.sign(amount) === sign ? total + Math.abs(amount) : total), 0);
    state.disputes.push({ id, paymentId: idOf(payment_intent) ?? '', status, withdrawn: sum(-1), reinstated: sum(1) });
  }
  return state;
}
