import type { Order } from '../../src/entities/order.js';
import type { Caller } from '../../src/services/caller.js';
import { newId } from '../../src/services/ids.js';
import { ifAllowed, type SoakApp } from './soak-app.js';

type Viewer = Caller & { userId: string };

const CARDS = ['4242424242424242', '5555555555554444'];
const DECLINED = '4000000000000002';
export const CARD_NUMBERS = [...CARDS, DECLINED];

/** A linear congruential generator, from 0 to 1: the same numbers for the same seed. */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** What customers, their banks and somebody at Stripe's dashboard do, one story after the other, chosen at random. */
export class Stories {
  /** How often each thing was done. */
  readonly counts: Record<string, number> = {};
  private readonly viewers: Viewer[] = [];
  private readonly delayed = new Set<string>();
  private count = 0;

  constructor(
    private readonly app: SoakApp,
    private readonly random: () => number,
    private readonly subscriptionIds: readonly string[],
  ) {}

  /** One customer's story, as far as the faults let it come; what fails here is what a person would try again. */
  async liveThrough(): Promise<void> {
    const dice = {
      who: this.random(),
      what: this.random(),
      which: this.random(),
      pay: this.random(),
      land: this.random(),
      next: this.random(),
      part: this.random(),
      end: this.random(),
    };
    const viewer = this.viewer(dice.who);
    const order = await this.open(viewer, dice.what, dice.which);
    if (!order?.stripeSessionId) return;
    if (!(await this.pay(viewer, order as Order & { stripeSessionId: string }, dice.pay, dice.which))) return;
    // Some close the page before it has led them back: then only Stripe's word of it comes.
    if (dice.land < 0.7) await this.insist(() => this.app.services.purchases.look(viewer, order.id));
    await this.goOn(viewer, order, dice);
  }

  /** What banks finally decide: payments that are held, refunds in progress. Returns how many. */
  async bankDecides(): Promise<number> {
    const { control } = this.app.sandbox;
    let decided = 0;
    for (const sessionId of this.delayed) {
      this.delayed.delete(sessionId);
      if (ifAllowed(() => control.settle(sessionId, this.random() < 0.7 ? 'succeeded' : 'failed'))) decided++;
    }
    for await (const { id, status } of this.app.stripe.refunds.list({ limit: 100 })) {
      if (status !== 'pending') continue;
      decided++;
      if (this.random() < 0.7) control.succeedRefund(id);
      else control.failRefund(id, 'expired_or_canceled_card');
    }
    return decided;
  }

  private viewer(dice: number): Viewer {
    const known = this.viewers[Math.floor((dice / 0.2) * this.viewers.length)];
    if (dice < 0.2 && known) return known;
    const viewer = { userId: newId(), role: 'VIEWER' as const };
    this.viewers.push(viewer);
    return viewer;
  }

  private async open(viewer: Viewer, what: number, which: number): Promise<Order | null> {
    const { purchases } = this.app.services;
    const idempotencyKey = this.key();
    if (what < 0.35) {
      this.note('top-up');
      const input = { amount: 1_000 + Math.floor(which * 3) * 500, currency: 'USD', idempotencyKey };
      return (await this.insist(() => purchases.topUp(viewer, input)))?.order ?? null;
    }
    this.note('purchase by card');
    const subscriptionId = this.subscriptionIds[Math.floor(which * this.subscriptionIds.length)] as string;
    const input = { subscriptionId, payWith: 'CARD' as const, idempotencyKey };
    return (await this.insist(() => purchases.purchase(viewer, input)))?.order ?? null;
  }

  /** True when the order may be paid by now. */
  private async pay(viewer: Viewer, order: Order & { stripeSessionId: string }, dice: number, which: number): Promise<boolean> {
    const { control } = this.app.sandbox;
    const sessionId = order.stripeSessionId;
    if (dice < 0.05) {
      this.note('left unpaid');
      return false;
    }
    if (dice < 0.08) {
      this.note('canceled');
      await this.insist(() => this.app.services.purchases.cancelOrder(viewer, order.id));
      return false;
    }
    if (dice < 0.12) {
      this.note('declined first');
      ifAllowed(() => control.pay(sessionId, { card: DECLINED }));
    }
    if (dice < 0.3) {
      this.note('paid by debit');
      this.delayed.add(sessionId);
      ifAllowed(() => control.pay(sessionId, { method: dice < 0.24 ? 'delayed_success' : 'delayed_failure' }));
      return false;
    }
    this.note('paid by card');
    const card = CARDS[Math.floor(which * CARDS.length)] as string;
    return ifAllowed(() => control.pay(sessionId, { card })) !== null;
  }

  private async goOn(viewer: Viewer, order: Order, dice: { next: number; part: number; end: number }): Promise<void> {
    if (dice.next < 0.3) await this.askForRefund(viewer, order, dice.part);
    else if (dice.next < 0.42) await this.refundInDashboard(order, dice.part);
    else if (dice.next < 0.6) await this.dispute(order, 'chargeback', dice.end);
    else if (dice.next < 0.7) await this.dispute(order, 'inquiry', dice.end);
    else if (dice.next < 0.85) await this.buyFromBalance(viewer, dice.part);
    // Stories continue: a viewer who asked for a refund may dispute the payment as well, and the other way round.
    if (dice.end < 0.1) await this.dispute(order, 'chargeback', dice.part);
    else if (dice.end < 0.2) await this.askForRefund(viewer, order, dice.part);
  }

  private async askForRefund(viewer: Viewer, order: Order, part: number): Promise<void> {
    const { refunds } = this.app.services;
    const idempotencyKey = this.key();
    const [grant] = await this.app.db.rows<{ id: string }>('select id from grants where order_id = $1', [order.id]);
    if (grant) {
      this.note('refund of a grant asked for');
      const destination = part < 0.3 ? ('BALANCE' as const) : null;
      await this.insist(() => refunds.refundGrant(viewer, { grantId: grant.id, destination, idempotencyKey }));
      return;
    }
    const topUps = `select id from transactions where order_id = $1 and kind = 'TOP_UP'`;
    const [topUp] = await this.app.db.rows<{ id: string }>(topUps, [order.id]);
    if (!topUp || order.kind !== 'TOP_UP') return;
    this.note('refund of a top-up asked for');
    const amount = part < 0.5 ? 400 : null;
    await this.insist(() => refunds.refundTransaction(viewer, { transactionId: topUp.id, amount, idempotencyKey }));
  }

  private async refundInDashboard(order: Order, part: number): Promise<void> {
    const paymentIntent = await this.paymentOf(order);
    if (!paymentIntent) return;
    this.note('refund in the dashboard');
    const amount = part < 0.5 ? { amount: 300 } : {};
    ifAllowed(() => this.app.sandbox.control.refundInDashboard({ paymentIntent, ...amount }));
  }

  private async dispute(order: Order, kind: 'chargeback' | 'inquiry', end: number): Promise<void> {
    const { control } = this.app.sandbox;
    const paymentIntent = await this.paymentOf(order);
    if (!paymentIntent) return;
    const amount = kind === 'inquiry' ? { amount: 200 } : {};
    const dispute = ifAllowed(() => control.openDispute({ paymentIntent, reason: 'fraudulent', kind, ...amount }));
    if (!dispute) return;
    if (kind === 'inquiry' && Math.floor(end * 10) % 2 === 0) {
      this.note('inquiry that grows into a chargeback');
      ifAllowed(() => control.escalateDispute(dispute.id));
    }
    this.note(`${kind}, ${end < 0.4 ? 'won' : end < 0.8 ? 'lost' : 'left open'}`);
    if (end < 0.8) ifAllowed(() => control.closeDispute(dispute.id, end < 0.4 ? 'won' : 'lost'));
  }

  private async buyFromBalance(viewer: Viewer, part: number): Promise<void> {
    this.note('purchase from the balance');
    const subscriptionId = this.subscriptionIds[Math.floor(part * this.subscriptionIds.length)] as string;
    const input = { subscriptionId, payWith: 'BALANCE' as const, idempotencyKey: this.key() };
    await this.insist(() => this.app.services.purchases.purchase(viewer, input));
  }

  private async paymentOf(order: Order): Promise<string | null> {
    const session = await this.insist(() => this.app.stripe.checkout.sessions.retrieve(order.stripeSessionId as string));
    return session ? (session.payment_intent as string | null) : null;
  }

  private key(): string {
    return `soak-key-${++this.count}`;
  }

  private note(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  /** What a person does when Stripe is away: try again with the same key, a few times. */
  private async insist<Result>(work: () => Promise<Result>): Promise<Result | null> {
    for (let attempt = 1; attempt <= 5; attempt++) {
      try {
        const result = await work();
        const [error] = (result as { errors?: { code: string }[] } | null)?.errors ?? [];
        if (error?.code !== 'PAYMENT_PROVIDER_UNAVAILABLE') return result;
      } catch {
        // Faults are what this is about.
      }
    }
    return null;
  }
}
