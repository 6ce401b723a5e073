import type { DisputeBody, RefundBody, SessionBody } from './bodies.js';
import { closeDispute, type DisputeReason, escalateDispute, openDispute } from './dispute-charge.js';
import type { FaultRule, FaultRuleState } from './fault-rules.js';
import { newIdentifier } from './identifiers.js';
import { LATEST_TIME } from './limits.js';
import { type PaymentChoice, type PaymentResult, paySession, settleSession } from './pay-session.js';
import { createRefund, failRefund, succeedRefund } from './refund-charge.js';
import { found } from './resources/found.js';
import { chargeToRefund } from './resources/refunds.js';
import { invalidRequest } from './stripe-error.js';
import { sweep } from './sweep.js';
import { type CurrencyTotals, totalsOf } from './totals.js';
import type { DeliveryCounts, WebhookDeliverer } from './webhook-deliverer.js';
import type { Origin, World } from './world.js';

/** A summary of the sandbox's state. */
export interface SandboxState {
  now: string;
  counts: Record<string, number>;
  openSessions: number;
  totals: Record<string, CurrencyTotals>;
  webhooks: DeliveryCounts & { refused: number };
}

/** Controls for tests, scripts and people, beyond Stripe's API. Invalid calls throw a StripeFailure. */
export class SandboxControl {
  private lastMove: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly world: World,
    private readonly deliverer: WebhookDeliverer,
    private readonly onClockMoved?: (from: Date, to: Date) => Promise<void>,
  ) {}

  /** Sets where events created from now on are sent; null disables webhooks. */
  setWebhookUrl(url: string | null): void {
    this.world.webhookUrl = url;
  }

  pay(sessionId: string, choice: PaymentChoice): PaymentResult {
    return this.world.act(null, () => paySession(this.world, sessionId, choice));
  }

  /** Settles a bank debit that is in progress. */
  settle(sessionId: string, outcome: 'succeeded' | 'failed'): SessionBody {
    return this.world.act(null, () => settleSession(this.world, sessionId, outcome));
  }

  succeedRefund(id: string): RefundBody {
    return this.world.act(null, () => succeedRefund(this.world, id));
  }

  failRefund(id: string, failureReason: string): RefundBody {
    return this.world.act(null, () => failRefund(this.world, id, failureReason));
  }

  /** Creates a refund as the dashboard does: without metadata and without an idempotency key. */
  refundInDashboard(given: { paymentIntent?: string; charge?: string; amount?: number }): RefundBody {
    return this.world.act(dashboardOrigin(), () =>
      createRefund(this.world, {
        charge: chargeToRefund(this.world, given.charge, given.paymentIntent),
        amount: given.amount,
        metadata: {},
        reason: 'requested_by_customer',
      }),
    );
  }

  /** Opens a dispute of a payment: a chargeback, which withdraws the money, or an inquiry, which does not. */
  openDispute(given: {
    paymentIntent?: string;
    charge?: string;
    amount?: number;
    reason: DisputeReason;
    kind?: 'chargeback' | 'inquiry';
  }): DisputeBody {
    return this.world.act(null, () =>
      openDispute(this.world, {
        charge: chargeToRefund(this.world, given.charge, given.paymentIntent),
        amount: given.amount,
        reason: given.reason,
        kind: given.kind ?? 'chargeback',
      }),
    );
  }

  /** Turns an inquiry into a chargeback of the rest of the payment or of another amount. */
  escalateDispute(id: string, amount?: number): DisputeBody {
    return this.world.act(null, () => escalateDispute(this.world, id, amount));
  }

  closeDispute(id: string, outcome: 'won' | 'lost'): DisputeBody {
    return this.world.act(null, () => closeDispute(this.world, id, outcome));
  }

  addFault(rule: FaultRule): void {
    this.world.faults.add(rule);
  }

  /** Removes all fault rules; with a seed, rules added next make the same decisions as before with that seed. */
  clearFaults(seed?: number): void {
    if (seed === undefined) this.world.faults.clear();
    else this.world.faults.restart(seed);
  }

  faults(): { seed: number; rules: FaultRuleState[] } {
    return { seed: this.world.faults.currentSeed, rules: this.world.faults.list() };
  }

  now(): Date {
    return this.world.clock.now();
  }

  /**
   * Moves the clock forward and does everything that becomes due: first here, then, once the webhooks have been sent, in the host process.
   * Moves run one after another. @throws StripeFailure
   */
  advanceClock(milliseconds: number): Promise<Date> {
    return this.moveClock('advanceMs', () => milliseconds);
  }

  /** Moves the clock forward to an instant. @throws StripeFailure if it is in the past or too far in the future */
  moveClockTo(time: Date): Promise<Date> {
    return this.moveClock('to', (now) => time.getTime() - now.getTime());
  }

  /** Sends all waiting webhooks without their delays; resolves when none is waiting or the timeout has passed. */
  flushWebhooks(timeoutMs = 10_000): Promise<DeliveryCounts> {
    return this.deliverer.flush(timeoutMs);
  }

  /** Sends an event again, like the dashboard's Resend button. */
  resendEvent(eventId: string): void {
    this.world.act(null, () => {
      found(this.world.store.events, eventId, 'event');
      this.world.addDelivery({ id: newIdentifier('whd'), event: eventId, delayMs: 0 });
    });
  }

  state(): SandboxState {
    const { store, clock, deliveriesRefused } = this.world;
    const counts: Record<string, number> = {};
    const kinds = [
      'products',
      'prices',
      'customers',
      'sessions',
      'paymentIntents',
      'charges',
      'refunds',
      'disputes',
      'events',
    ] as const;
    for (const kind of kinds) counts[kind] = store[kind].size;
    return {
      now: clock.now().toISOString(),
      counts,
      openSessions: store.sessions.rowsWhere('status', 'open').length,
      totals: totalsOf(this.world),
      webhooks: { ...this.deliverer.counts(), refused: deliveriesRefused },
    };
  }

  /** Deletes everything except the webhook URL. */
  reset(): void {
    this.deliverer.clear();
    this.world.faults.clear();
    this.world.store.reset();
    this.world.clock.restoreOffset(0);
    this.world.deliveriesRefused = 0;
  }

  private moveClock(field: string, distanceMs: (now: Date) => number): Promise<Date> {
    const move = async () => {
      const { store, clock } = this.world;
      const from = clock.now();
      const milliseconds = distanceMs(from);
      refuseImpossibleMove(field, from, milliseconds);
      await clock.advance(milliseconds);
      this.world.act(null, () => store.put(store.settings, { id: 'settings', clockOffsetMs: clock.ownOffsetMs }));
      sweep(this.world);
      if (!this.onClockMoved) return clock.now();
      await this.flushWebhooks();
      await this.onClockMoved(from, clock.now());
      return clock.now();
    };
    const moved = this.lastMove.then(move);
    this.lastMove = moved.catch(() => undefined);
    return moved;
  }
}

function refuseImpossibleMove(field: string, from: Date, milliseconds: number): void {
  if (milliseconds < 0) {
    const message = `The clock only moves forward, and it is ${from.toISOString()} already.`;
    throw invalidRequest(message, { param: field });
  }
  if (from.getTime() + milliseconds <= LATEST_TIME.getTime()) return;
  throw invalidRequest(`The clock can be moved to ${LATEST_TIME.toISOString()} at the latest.`, { param: field });
}

function dashboardOrigin(): Origin {
  return { requestId: newIdentifier('req'), idempotencyKey: null };
}
