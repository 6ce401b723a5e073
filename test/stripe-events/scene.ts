import type Stripe from 'stripe';
import StripeClient from 'stripe';
import type { StripeEvent } from '../../src/entities/stripe-event.js';
import type { JoinedTransaction } from '../../src/services/ledger/joined-transaction.js';
import type { SessionNews } from '../../src/services/purchases/fulfilment.js';
import type { StripeInbox } from '../../src/services/stripe-events/stripe-inbox.js';
import type { Applied } from '../../src/services/stripe-events/stripe-objects.js';
import type { Database } from '../../src/stores/database.js';
import { MovableClock } from '../support/movable-clock.js';
import { testServices, WEBHOOK_SECRET } from '../support/test-services.js';

/** Replaces orders and ledger: records in the given transaction what was applied, and then does what the test wants. */
export class RecordingEffects {
  /** May throw: what was noted must then be gone. */
  outcome: (objectId: string) => Promise<Applied> = async () => 'APPLIED';

  constructor(private readonly database: Database) {}

  static async prepare(database: Database): Promise<void> {
    await database.pool.query('create table applied_objects (id text not null, news text)');
  }

  applyCheckoutSession(session: Stripe.Checkout.Session, joined: JoinedTransaction | null, news?: SessionNews) {
    return this.note(session.id, joined, news);
  }
  applyStripeRefund(refund: Stripe.Refund, joined: JoinedTransaction | null) {
    return this.note(refund.id, joined);
  }
  applyDispute(dispute: Stripe.Dispute, joined: JoinedTransaction | null) {
    return this.note(dispute.id, joined);
  }

  /** Ids of what was applied and committed, sorted. */
  async applied(): Promise<string[]> {
    const { rows } = await this.database.pool.query<{ id: string }>('select id from applied_objects order by id');
    return rows.map((row) => row.id);
  }

  async newsOf(id: string): Promise<string | null> {
    const { rows } = await this.database.pool.query<{ news: string | null }>('select news from applied_objects where id = $1', [
      id,
    ]);
    return rows[0]?.news ?? null;
  }

  private async note(id: string, joined: JoinedTransaction | null, news?: string): Promise<Applied> {
    if (!joined) throw new Error('an event must be applied in the transaction that marks it');
    const insert = { name: 'note-applied-object', text: 'insert into applied_objects (id, news) values ($1, $2)' };
    await joined.tx.query(insert, [id, news ?? null]);
    return this.outcome(id);
  }
}

interface InboxParts {
  database: Database;
  /** Replace the real ones. */
  effects?: RecordingEffects;
  clock: MovableClock;
  refundsOf?: (paymentIntentId: string) => Stripe.Refund[];
  environment?: Record<string, string>;
  onError?: (error: unknown) => void;
  onReport?: (problem: string) => void;
}

/** The inbox as the product composes it, which tries an event 3 times. */
export function newInbox(parts: InboxParts): StripeInbox {
  const { database, effects, clock, refundsOf = () => [], environment, onError = fail, onReport = () => {} } = parts;
  const list = ({ payment_intent }: { payment_intent: string }) => ({ autoPagingToArray: async () => refundsOf(payment_intent) });
  const services = testServices({
    database,
    clock,
    stripe: { refunds: { list } } as unknown as Stripe,
    logger: { error: (details: { problem?: string }) => (details.problem ? onReport(details.problem) : onError(details)) },
    environment: { STRIPE_EVENT_ATTEMPTS_COUNT: '3', STRIPE_EVENT_BACKOFF_MAXIMUM_MS: '60000', ...environment },
  });
  if (effects) {
    services.fulfilment.applyCheckoutSession = effects.applyCheckoutSession.bind(effects);
    services.stripeRefunds.applyStripeRefund = effects.applyStripeRefund.bind(effects);
    services.disputes.applyDispute = effects.applyDispute.bind(effects);
  }
  return services.stripeInbox;
}

function fail(error: unknown): never {
  throw error;
}

let eventCount = 0;

export function newEvent(type: string, object: object, id = `evt_${++eventCount}`): Stripe.Event {
  return { id, object: 'event', type, api_version: '2026-10-28.endive', livemode: false, data: { object } } as Stripe.Event;
}

/** The delivery of an event, signed at the clock's now. */
export function deliver(inbox: StripeInbox, event: Stripe.Event, clock: MovableClock) {
  const payload = JSON.stringify(event);
  const timestamp = Math.floor(clock.now().getTime() / 1000);
  const signature = StripeClient.webhooks.generateTestHeaderString({ payload, secret: WEBHOOK_SECRET, timestamp });
  return inbox.receive(Buffer.from(payload), signature);
}

export async function storedEvents(database: Database): Promise<StripeEvent[]> {
  const columns = `id, stripe_id as "stripeId", type, status, payload, attempts, last_error as "lastError",
    processed_at as "processedAt", next_attempt_at as "nextAttemptAt", waits_for_payment_intent_id as "waitsForPaymentIntentId"`;
  return (await database.pool.query(`select ${columns} from stripe_events order by received_at, stripe_id`)).rows;
}
