import type Stripe from 'stripe';
import type { StripeEvent, StripeEventStatus } from '../../entities/stripe-event.js';
import type { Clock } from '../../runtime/clock.js';
import { decideNextAttempt, type RetryRules } from '../../runtime/decide-next-attempt.js';
import { describeFailure } from '../../runtime/describe-failure.js';
import { isTransient, type Queryable } from '../../stores/database.js';
import { type BillingError, notFound, wrongState } from '../errors.js';
import { newId, parseId } from '../ids.js';
import type { Ledger } from '../ledger/ledger.js';
import { applyEvent, refundsOfPayment, type StripeEffects } from './apply-event.js';
import { BackgroundQueue } from './background-queue.js';
import { classifyEvent, type StripeIdentity } from './classify-event.js';
import { subjectOf } from './event-types.js';
import {
  findAttempts,
  findDueStripeEvents,
  findEventsWaitingForPayment,
  findOrderBehindPayment,
  findStripeEventsByIds,
  lockStripeEvent,
  peekStripeEvent,
  postponeStripeEvent,
  recordFailedAttempt,
  reopenStripeEvent,
  settleStripeEvent,
  storeStripeEvent,
} from './inbox-statements.js';
import { PaymentNotFulfilledYet } from './payment-not-fulfilled-yet.js';
import { storableJson } from './storable-json.js';
import { verifyWebhook, type WebhookRefusal } from './verify-webhook.js';

export interface StripeInboxSettings extends StripeIdentity, RetryRules {
  readonly webhookSecrets: readonly string[];
  readonly toleranceSeconds: number;
  /** Events that this process handles concurrently. */
  readonly concurrency: number;
  /** Events that may wait in memory; the job processes the rest. */
  readonly queueCapacity: number;
}

export interface StripeInboxDependencies {
  readonly database: Queryable;
  readonly ledger: Pick<Ledger, 'open'>;
  readonly stripe: Pick<Stripe, 'refunds'>;
  readonly effects: StripeEffects;
  readonly clock: Clock;
  /** Checks the age of signatures. */
  readonly realClock: Clock;
  readonly settings: StripeInboxSettings;
  /** Called with an error that could not even be recorded; the job tries again. */
  readonly onError: (error: unknown, eventOrPaymentId: string) => void;
  /** Called with a problem that an operator must look at, each time it is found; the event keeps it as `lastError`. */
  readonly onReport?: (problem: string, eventId: string) => void;
}

export type Receipt =
  | { readonly outcome: 'STORED' | 'DUPLICATE' }
  | { readonly outcome: 'REFUSED'; readonly refusal: WebhookRefusal };

/** RETRY: failed or too early, will be tried again. SKIPPED: nothing to do, or another process is handling it. */
export type ProcessingOutcome = 'PROCESSED' | 'IGNORED' | 'RETRY' | 'FAILED' | 'SKIPPED';

interface BackgroundTask {
  /** The id of a stored event or of a Stripe payment. */
  readonly about: string;
  readonly run: () => Promise<unknown>;
}

/** The order behind a payment that had not fulfilled one when the event was applied. */
interface OrderBehindPayment {
  readonly paymentIntentId: string;
  readonly order: 'PAID' | 'PAID_OTHERWISE' | 'UNPAID' | null;
}

const UNSETTLED: readonly StripeEventStatus[] = ['RECEIVED'];
/** Events in these states are retried when their payment is fulfilled. */
const RETRYABLE: readonly StripeEventStatus[] = ['RECEIVED', 'IGNORED', 'FAILED'];
const MAX_WAITING = 100;

/** No delivery is lost and no effect is applied twice: an event is stored first, then applied and marked in one transaction. */
export class StripeInbox {
  private readonly background: BackgroundQueue<BackgroundTask>;

  constructor(private readonly dependencies: StripeInboxDependencies) {
    const { concurrency, queueCapacity } = dependencies.settings;
    this.background = new BackgroundQueue({
      concurrency,
      capacity: queueCapacity,
      work: (task) => task.run(),
      onError: (error, { about }) => dependencies.onError(error, about),
    });
  }

  /**
   * Receives a webhook delivery: verifies it, stores its event once and, after that commit, starts to process it in the background.
   *
   * @throws the database's error if the event could not be stored: then Stripe must send it again
   */
  async receive(rawBody: Buffer, signature: string): Promise<Receipt> {
    const { settings, realClock } = this.dependencies;
    const event = verifyWebhook(rawBody, signature, {
      secrets: settings.webhookSecrets,
      toleranceSeconds: settings.toleranceSeconds,
      now: realClock.now(),
    });
    if (typeof event === 'string') return { outcome: 'REFUSED', refusal: event };
    const stored = await this.store(event);
    if (!stored) return { outcome: 'DUPLICATE' };
    if (stored.status === 'RECEIVED') this.background.add({ about: stored.id, run: () => this.process(stored.id) });
    return { outcome: 'STORED' };
  }

  /** Stores a new event; returns null if it is already stored. Only for events that were verified or fetched from Stripe. */
  async store(event: Stripe.Event): Promise<{ id: string; status: StripeEventStatus } | null> {
    const { database, clock, settings } = this.dependencies;
    const now = clock.now();
    const reception = classifyEvent(event, settings);
    const received = reception.status === 'RECEIVED';
    const [row] = await database.query<{ id: string }>(storeStripeEvent, [
      newId(),
      event.id,
      event.type,
      reception.status,
      storableJson(event),
      received ? null : reception.reason,
      now,
      received ? now : null,
    ]);
    return row ? { id: row.id, status: reception.status } : null;
  }

  /**
   * Applies one stored event. A failure is recorded with the event; an error of the database only postpones it.
   *
   * @throws the database's error if not even that was possible
   */
  async process(eventId: string, from: readonly StripeEventStatus[] = UNSETTLED): Promise<ProcessingOutcome> {
    try {
      return await this.settle(eventId, from);
    } catch (error) {
      return this.recordFailure(eventId, from, error);
    }
  }

  /** Processes up to `limit` due events, longest overdue first; returns how many were attempted. */
  async processDue(limit: number): Promise<number> {
    const { database, clock, settings } = this.dependencies;
    const due = await database.query<{ id: string }>(findDueStripeEvents, [clock.now(), limit]);
    let tried = 0;
    const next = due.values();
    const work = async () => {
      for (const { id } of next) if ((await this.process(id)) !== 'SKIPPED') tried++;
    };
    await Promise.all(Array.from({ length: settings.concurrency }, work));
    return tried;
  }

  /** Runs `processWaiting` in the background. Never throws or waits, so that fulfilment can call it after its commit. */
  retryWaitingEvents(paymentIntentId: string): void {
    this.background.add({ about: paymentIntentId, run: () => this.processWaiting(paymentIntentId) });
  }

  /** Processes the refunds and disputes that arrived before their payment was fulfilled. */
  async processWaiting(paymentIntentId: string): Promise<void> {
    const { database } = this.dependencies;
    const waiting = await database.query<{ id: string }>(findEventsWaitingForPayment, [paymentIntentId, RETRYABLE, MAX_WAITING]);
    for (const { id } of waiting) await this.process(id, RETRYABLE);
  }

  /**
   * Retries an event immediately, with all its attempts available again.
   *
   * @throws NOT_FOUND, WRONG_STATE for an event that is not ours, as the payload's errors
   */
  async replay(stripeEventId: string): Promise<{ stripeEvent: StripeEvent | null; errors: BillingError[] }> {
    const { database, clock, settings } = this.dependencies;
    const id = parseId(stripeEventId);
    const stripeEvent = id ? await this.find(id) : null;
    if (!id || !stripeEvent) return { stripeEvent: null, errors: [notFound('Stripe event', 'id').error] };
    const reception = classifyEvent(stripeEvent.payload as Stripe.Event, settings);
    if (reception.status === 'IGNORED') {
      return { stripeEvent: null, errors: [wrongState(reception.reason, 'IGNORED', 'id').error] };
    }
    await database.query(reopenStripeEvent, [id, clock.now()]);
    await this.process(id);
    return { stripeEvent: await this.find(id), errors: [] };
  }

  /** Resolves when nothing is running or waiting in this process's background queue. */
  idle(): Promise<void> {
    return this.background.idle();
  }

  /** Stops the background queue and resolves when its running tasks have finished. Waiting events are stored; the job processes them. */
  close(): Promise<void> {
    return this.background.close();
  }

  private async find(id: string): Promise<StripeEvent | null> {
    const [row] = await this.dependencies.database.query<StripeEvent>(findStripeEventsByIds, [[id]]);
    return row ?? null;
  }

  private async settle(eventId: string, from: readonly StripeEventStatus[]): Promise<ProcessingOutcome> {
    const { ledger, effects, clock, onReport } = this.dependencies;
    const refunds = await this.refundsNeeded(eventId, from);
    if (!refunds) return 'SKIPPED';
    return ledger.open(async (joined) => {
      const { tx } = joined;
      // 1. Load
      const [row] = await tx.query<StripeEvent>(lockStripeEvent, [eventId, from]);
      if (!row) return 'SKIPPED';
      // 2. Decide and write the event's effect; each effect takes its viewer's lock
      const applied = await applyEvent(row.payload as Stripe.Event, refunds, effects, joined);
      if (applied === 'NOT_OURS') {
        await tx.query(settleStripeEvent, [eventId, 'IGNORED', 'It does not belong to any of our orders.', null]);
        return 'IGNORED';
      }
      // 3. Mark the event. A REPORTED event is FAILED without a retry, because it can never be booked.
      const problem = joined.problems.length > 0 ? describeFailure([...new Set(joined.problems)].join(' ')) : null;
      const status = applied === 'REPORTED' ? 'FAILED' : 'PROCESSED';
      await tx.query(settleStripeEvent, [eventId, status, problem, status === 'PROCESSED' ? clock.now() : null]);
      // 4. Notify
      if (problem !== null) joined.afterCommit(() => onReport?.(problem, eventId));
      return status;
    });
  }

  /** Reads what the event needs from Stripe, before the transaction; null if the event is not to be processed. */
  private async refundsNeeded(eventId: string, from: readonly StripeEventStatus[]): Promise<Stripe.Refund[] | null> {
    const { database, stripe } = this.dependencies;
    const [seen] = await database.query<{ type: string; paymentIntentId: string | null }>(peekStripeEvent, [eventId, from]);
    if (!seen) return null;
    if (subjectOf(seen.type) !== 'CHARGE_REFUNDED' || seen.paymentIntentId === null) return [];
    return refundsOfPayment(stripe, seen.paymentIntentId);
  }

  private async recordFailure(eventId: string, from: readonly StripeEventStatus[], error: unknown): Promise<ProcessingOutcome> {
    const { database, clock, settings } = this.dependencies;
    if (isTransient(error)) {
      const dueAt = new Date(clock.now().getTime() + settings.backoffMs);
      await database.query(postponeStripeEvent, [eventId, from, dueAt]);
      return 'RETRY';
    }
    const [seen] = await database.query<{ attempts: number }>(findAttempts, [eventId]);
    const now = clock.now();
    const attempts = (seen?.attempts ?? 0) + 1;
    const nextAttemptAt = decideNextAttempt({ attempts, now, chance: Math.random() }, settings);
    const early = error instanceof PaymentNotFulfilledYet ? await this.findOrderBehind(eventId, error) : null;
    const retries = nextAttemptAt !== null && early?.order !== 'PAID_OTHERWISE';
    const status = retries ? 'RECEIVED' : early && !early.order ? 'IGNORED' : 'FAILED';
    // The payment was fulfilled after our transaction: nothing would retry the event any more, so it is due immediately.
    const dueAt = !retries ? null : early?.order === 'PAID' ? now : nextAttemptAt;
    const reason = reasonOf(status, error, early);
    await database.query(recordFailedAttempt, [eventId, from, status, reason, dueAt, early?.paymentIntentId ?? null]);
    return status === 'RECEIVED' ? 'RETRY' : status;
  }

  /** Finds the order that the payment paid or, according to the metadata, should pay. PAID_OTHERWISE: another payment paid that order. */
  private async findOrderBehind(eventId: string, { paymentIntentId }: PaymentNotFulfilledYet): Promise<OrderBehindPayment> {
    const event = await this.find(eventId);
    const object = (event?.payload as Stripe.Event | undefined)?.data.object as { metadata?: Record<string, string> } | undefined;
    const orderIds = Object.values(object?.metadata ?? {}).flatMap((value) => parseId(value) ?? []);
    const [order] = await this.dependencies.database.query<{ status: string; isOfPayment: boolean | null }>(
      findOrderBehindPayment,
      [paymentIntentId, orderIds],
    );
    if (!order) return { paymentIntentId, order: null };
    if (order.status !== 'PAID') return { paymentIntentId, order: 'UNPAID' };
    return { paymentIntentId, order: order.isOfPayment ? 'PAID' : 'PAID_OTHERWISE' };
  }
}

function reasonOf(status: StripeEventStatus, error: unknown, early: OrderBehindPayment | null): string {
  if (status === 'IGNORED') return `None of our orders has the payment ${early?.paymentIntentId}.`;
  if (early?.order === 'PAID_OTHERWISE')
    return `It names one of our orders, which the payment ${early.paymentIntentId} did not pay.`;
  return describeFailure(error);
}
