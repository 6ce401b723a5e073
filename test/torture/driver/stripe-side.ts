import type { Sandbox } from '@boxoffice/stripe-sandbox';
import { StripeFailure } from '@boxoffice/stripe-sandbox/stripe-error';
import type { StripeAct } from '../checker/history.js';
import type { Dice } from './dice.js';
import type { Recorder } from './recorder.js';

const CARDS = ['4242424242424242', '5555555555554444'] as const;
const DECLINED = '4000000000000002';

/** What has happened at Stripe to a viewer, by all clients: payments and disputes may be about any of these. */
const known = new WeakMap<Sandbox, Map<string, { payments: string[]; disputes: string[] }>>();

/** What happens at Stripe: viewers pay there, banks decide, and somebody uses the dashboard. */
export class StripeSide {
  constructor(
    private readonly sandbox: Sandbox,
    private readonly recorder: Recorder,
    private readonly dice: Dice,
  ) {}

  /** Pays a checkout, mostly by card. False when it can no longer be paid. */
  pay(viewer: string, checkoutUrl: string | null): boolean {
    const session = sessionOf(checkoutUrl);
    if (!session) return false;
    const { control } = this.sandbox;
    if (this.dice.happens(0.05)) this.does(viewer, 'pay', session, 'declined', () => control.pay(session, { card: DECLINED }));
    if (this.dice.happens(0.1)) {
      const method = this.dice.oneOf(['delayed_success', 'delayed_failure'] as const) ?? 'delayed_success';
      return this.does(viewer, 'pay', session, method, () => control.pay(session, { method })) !== null;
    }
    return this.payByCard(viewer, session) !== null;
  }

  /** Returns the payment; null when the session can no longer be paid. */
  payByCard(viewer: string, session: string): string | null {
    const card = this.dice.oneOf(CARDS) ?? CARDS[0];
    const paid = this.does(viewer, 'pay', session, 'card', () => this.sandbox.control.pay(session, { card }));
    const payment = paid?.session.payment_intent;
    if (typeof payment !== 'string') return null;
    this.of(viewer).payments.push(payment);
    return payment;
  }

  /** Part of a payment, or all of it. */
  refundInDashboard(viewer: string): void {
    const payment = this.dice.oneOf(this.of(viewer).payments.slice(-4));
    if (payment) this.refund(viewer, payment, this.dice.happens(0.7) ? this.dice.between(7, 400) : undefined);
  }

  /** `amount`: everything, if it is not given. */
  refund(viewer: string, payment: string, amount?: number): void {
    const given = { paymentIntent: payment, ...(amount === undefined ? {} : { amount }) };
    const refund = this.try(() => this.sandbox.control.refundInDashboard(given));
    if (refund) this.note(viewer, 'refund', payment, refund.id);
  }

  act(viewer: string): void {
    const what = this.dice.weighted({ refund: 3, dispute: 4, close: 4 });
    if (what === 'refund') this.refundInDashboard(viewer);
    else if (what === 'dispute') this.dispute(viewer);
    else this.closeDispute(viewer);
  }

  private dispute(viewer: string): void {
    const payment = this.dice.oneOf(this.of(viewer).payments);
    if (!payment) return;
    const kind = this.dice.happens(0.75) ? 'chargeback' : 'inquiry';
    const given = { paymentIntent: payment, reason: 'fraudulent', kind } as const;
    const dispute = this.try(() => this.sandbox.control.openDispute(given));
    if (!dispute) return;
    this.of(viewer).disputes.push(dispute.id);
    this.note(viewer, 'dispute', payment, dispute.id);
    if (kind === 'inquiry' && this.dice.happens(0.4))
      this.does(viewer, 'escalate', dispute.id, '', () => this.sandbox.control.escalateDispute(dispute.id));
  }

  private closeDispute(viewer: string): void {
    const id = this.dice.oneOf(this.of(viewer).disputes);
    if (!id) return;
    const outcome = this.dice.happens(0.5) ? 'won' : 'lost';
    this.does(viewer, 'closeDispute', id, outcome, () => this.sandbox.control.closeDispute(id, outcome));
  }

  private of(viewer: string): { payments: string[]; disputes: string[] } {
    const all = known.get(this.sandbox) ?? new Map<string, { payments: string[]; disputes: string[] }>();
    known.set(this.sandbox, all);
    const one = all.get(viewer) ?? { payments: [], disputes: [] };
    all.set(viewer, one);
    return one;
  }

  /** Noted before it happens: its webhooks may be faster than we are. */
  private does<Result>(
    viewer: string,
    act: StripeAct['act'],
    subject: string,
    detail: string,
    work: () => Result,
  ): Result | null {
    this.note(viewer, act, subject, detail);
    return this.try(work);
  }

  private note(viewer: string, act: StripeAct['act'], subject: string, detail: string): void {
    this.recorder.note({ type: 'stripe', viewer, act, subject, detail });
  }

  /** Null where the sandbox refuses it, because the state does not allow it (any more). */
  private try<Result>(work: () => Result): Result | null {
    try {
      return work();
    } catch (error) {
      if (error instanceof StripeFailure) return null;
      throw error;
    }
  }
}

/** The session that a checkout page is for. */
export const sessionOf = (checkoutUrl: string | null): string | null => /cs_\w+/.exec(checkoutUrl ?? '')?.[0] ?? null;
