import type Stripe from 'stripe';
import type { StripeEvent, StripeEventStatus } from '../../entities/stripe-event.js';
import type { Clock } from '../../runtime/clock.js';
import type { RetryRules } from '../../runtime/decide-next-attempt.js';
import { stripeEventColumns } from '../../stores/columns.js';
import { statement } from '../../stores/database.js';
import { recordAudit } from '../audit/audit.js';
import type { Caller } from '../caller.js';
import { type BillingError, notFound, refusalsAsData, wrongState } from '../errors.js';
import { newId, parseId } from '../ids.js';
import { checkedFirst, decodeCursor, type Page, pageOf } from '../pagination.js';
import { classifyEvent, type StripeIdentity, verifyWebhook, type WebhookRefusal } from './accept-event.js';
import { BackgroundQueue } from './background-queue.js';
import { type EventProcessing, type ProcessingOutcome, processEvent } from './process-event.js';

export interface StripeInboxSettings extends StripeIdentity, RetryRules {
  readonly webhookSecrets: readonly string[];
  readonly toleranceSeconds: number;
  /** Events that this process handles concurrently. */
  readonly concurrency: number;
  /** Events that may wait in memory; the job processes the rest. */
  readonly queueCapacity: number;
  readonly pageMaximumCount: number;
}

export interface StripeInboxDependencies extends EventProcessing {
  /** Checks the age of signatures. */
  readonly realClock: Clock;
  readonly settings: StripeInboxSettings;
  /** Called with an error that could not even be recorded; the job tries again. */
  readonly onError: (error: unknown, eventOrPaymentId: string) => void;
}

export type Receipt =
  | { readonly outcome: 'STORED' | 'DUPLICATE' }
  | { readonly outcome: 'REFUSED'; readonly refusal: WebhookRefusal };

export interface StripeEventPageRequest {
  readonly first: number;
  readonly after?: string | null;
  readonly status?: StripeEventStatus | null;
}

export interface StripeEventPayload {
  readonly stripeEvent?: StripeEvent | undefined;
  readonly errors: BillingError[];
}

/** A stored event, without its content. */
type Stored = Pick<StripeEvent, 'id' | 'stripeId' | 'status'>;

interface BackgroundTask {
  /** The id of a stored event or of a Stripe payment. */
  readonly about: string;
  readonly run: () => Promise<unknown>;
}

const storeEvent = statement('store-stripe-event')`
    insert into stripe_events (id, stripe_id, type, status, payload, last_error, received_at, next_attempt_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (stripe_id) do nothing returning id, stripe_id as "stripeId", status`;
const findDue = statement('find-due-stripe-events')`select id from stripe_events
    where status = 'RECEIVED' and next_attempt_at <= $1 order by next_attempt_at limit $2`;
const findWaiting = statement('find-events-waiting-for-payment')`select id from stripe_events
    where waits_for_payment_intent_id = $1 and status = any($2) order by received_at limit $3`;
/** Resets the event, with all its attempts available again. */
const reopenEvent = statement('reopen-stripe-event')`update stripe_events
    set status = 'RECEIVED', attempts = 0, next_attempt_at = $2, processed_at = null,
    last_error = null where id = $1`;
const eventsByIds = statement('find-stripe-events-by-ids')`select ${stripeEventColumns} from stripe_events where id = any($1)`;
const eventsByStripeIds = statement('find-stripe-events-by-stripe-ids')`select id, stripe_id as "stripeId", status
    from stripe_events where stripe_id = any($1)`;
/** Newest first; $1 is the status, $2 and $3 the position after which the page starts. */
const pageEvents = statement('page-stripe-events')`select ${stripeEventColumns} from stripe_events
    where ($1::text is null or status = $1)
      and ($2::timestamptz is null or (received_at, id) < ($2::timestamptz, $3::uuid))
    order by received_at desc, id desc limit $4`;

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

  /**
   * Stores a new event; returns null if it is already stored. Only for events that were verified or fetched from Stripe.
   *
   * @throws the database's error
   */
  async store(event: Stripe.Event): Promise<Stored | null> {
    const { database, clock, settings } = this.dependencies;
    const now = clock.now();
    const reception = classifyEvent(event, settings);
    const [reason, dueAt] = reception.status === 'IGNORED' ? [reception.reason, null] : [null, now];
    const values = [newId(), event.id, event.type, reception.status, storableJson(event), reason, now, dueAt];
    const [stored] = await database.query<Stored>(storeEvent, values);
    return stored ?? null;
  }

  /**
   * Applies one stored event. A failure is recorded with the event; an error of the database only postpones it.
   *
   * @throws the database's error if not even that was possible
   */
  process(eventId: string, from: readonly StripeEventStatus[] = UNSETTLED): Promise<ProcessingOutcome> {
    return processEvent(this.dependencies, eventId, from);
  }

  /**
   * Processes up to `limit` due events, longest overdue first; returns how many were attempted.
   *
   * @throws the database's error if a failure could not be recorded
   */
  async processDue(limit: number): Promise<number> {
    const { database, clock, settings } = this.dependencies;
    const due = await database.query<{ id: string }>(findDue, [clock.now(), limit]);
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

  /**
   * Processes the refunds and disputes that arrived before their payment was fulfilled.
   *
   * @throws the database's error if a failure could not be recorded
   */
  async processWaiting(paymentIntentId: string): Promise<void> {
    const { database } = this.dependencies;
    const waiting = await database.query<{ id: string }>(findWaiting, [paymentIntentId, RETRYABLE, MAX_WAITING]);
    for (const { id } of waiting) await this.process(id, RETRYABLE);
  }

  /**
   * Retries an event immediately, with all its attempts available again.
   *
   * @throws NOT_FOUND, WRONG_STATE for an event that is not ours, as the payload's errors
   */
  async replay(caller: Caller, stripeEventId: string): Promise<StripeEventPayload> {
    return refusalsAsData<StripeEventPayload>(async () => {
      const { ledger, clock, settings } = this.dependencies;
      const id = parseId(stripeEventId);
      const [stripeEvent] = id ? await this.byIds([id]) : [];
      if (!stripeEvent) throw notFound('Stripe event', 'id');
      const reception = classifyEvent(stripeEvent.payload as Stripe.Event, settings);
      if (reception.status === 'IGNORED') throw wrongState(reception.reason, 'IGNORED', 'id');
      const now = clock.now();
      await ledger.open(async ({ tx }) => {
        const before = { status: stripeEvent.status };
        await recordAudit(tx, caller, { action: 'replayStripeEvent', subjectId: stripeEvent.id, before }, now);
        await tx.query(reopenEvent, [stripeEvent.id, now]);
      });
      await this.process(stripeEvent.id);
      const [replayed] = await this.byIds([stripeEvent.id]);
      return { stripeEvent: replayed, errors: [] };
    });
  }

  /** A page of events for admins, newest first. @throws InvalidArgument for `first`, InvalidCursor for `after` */
  async page({ first, after, status }: StripeEventPageRequest): Promise<Page<StripeEvent>> {
    const { database, settings } = this.dependencies;
    checkedFirst(first, settings.pageMaximumCount);
    const [receivedAt, id] = after ? decodeCursor(after, ['instant', 'uuid']) : [null, null];
    const rows = await database.query<StripeEvent>(pageEvents, [status ?? null, receivedAt, id, first + 1]);
    return pageOf(rows, first, (event) => [event.receivedAt, event.id], after);
  }

  /** Returns the events that exist, in no particular order. The ids must be UUIDs. */
  byIds(ids: readonly string[]): Promise<StripeEvent[]> {
    return this.dependencies.database.query<StripeEvent>(eventsByIds, [ids]);
  }

  /** Returns which of Stripe's events are stored, in no particular order. */
  stored(stripeIds: readonly string[]): Promise<Stored[]> {
    return this.dependencies.database.query<Stored>(eventsByStripeIds, [stripeIds]);
  }

  /** Resolves when nothing is running or waiting in this process's background queue. */
  idle(): Promise<void> {
    return this.background.idle();
  }

  /** Stops the background queue and resolves when its running tasks have finished. Waiting events are stored; the job processes them. */
  close(): Promise<void> {
    return this.background.close();
  }
}

/** Half of a surrogate pair, which UTF-8 cannot encode. */
const LONE_SURROGATE = /\p{Surrogate}/gu;
/** How JSON.stringify writes characters that cannot be stored: https://tc39.es/ecma262/#sec-quotejsonstring */
const UNSTORABLE = /\\u(0000|d[89a-f])/;

/** Returns JSON that a jsonb column accepts: Postgres allows neither NUL nor half a surrogate pair in a string. */
export function storableJson(value: unknown): string {
  const json = JSON.stringify(value);
  // An escaped backslash before `u0000` matches as well; the slow path handles it correctly.
  return UNSTORABLE.test(json) ? JSON.stringify(value, (_key, part) => storablePart(part)) : json;
}

const storablePart = (part: unknown) =>
  typeof part === 'string' ? part.replaceAll('\0', '').replace(LONE_SURROGATE, '\u{FFFD}') : part;
