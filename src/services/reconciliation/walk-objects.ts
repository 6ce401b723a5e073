import type Stripe from 'stripe';
import { isMissingAtStripe } from '../../stores/stripe.js';
import type { StripeEffects } from '../stripe-inbox/stripe-effects.js';
import { isUuid } from '../uuid.js';
import { chunksOf } from './chunks.js';
import { compareDispute } from './compare-dispute.js';
import { comparePrice } from './compare-price.js';
import { compareRefund, refundUnknownToStripe } from './compare-refund.js';
import { compareSession, sessionUnknownToStripe } from './compare-session.js';
import { createdIn, type Window } from './decide-windows.js';
import type { Difference } from './difference.js';
import { examine, type Finding } from './examine.js';
import type { Records } from './records.js';

const CHUNK_COUNT = 100;
/** Prices on sale at Stripe that are held in memory at most. */
const LARGEST_PRICES = 20_000;

/** What looking at Stripe's objects has brought so far. */
export interface WalkResult {
  objectsChecked: number;
  readonly findings: Finding[];
}

type StripeReads = Pick<Stripe, 'checkout' | 'refunds' | 'disputes' | 'prices' | 'balanceTransactions'>;

/** Walks Stripe's objects of a window and compares them with what stands here, and the other way round. */
export class ObjectWalk {
  constructor(
    private readonly stripe: StripeReads,
    private readonly records: Records,
    private readonly effects: StripeEffects,
  ) {}

  async sessions(window: Window, result: WalkResult): Promise<void> {
    const seen = new Set<string>();
    const list = this.stripe.checkout.sessions.list({ created: createdIn(window), limit: CHUNK_COUNT });
    for await (const chunk of chunksOf(list, CHUNK_COUNT)) {
      for (const session of chunk) seen.add(session.id);
      await this.compareSessions(chunk, result);
    }
    for await (const order of this.records.paidOrders(window.from, window.until)) {
      if (order.stripeSessionId && seen.has(order.stripeSessionId)) continue;
      result.objectsChecked++;
      const session = order.stripeSessionId ? await this.session(order.stripeSessionId) : null;
      if (session) await this.compareSessions([session], result);
      else result.findings.push({ ...sessionUnknownToStripe(order), repaired: false });
    }
  }

  /** Money that came in: it may belong to a session that was opened long before. */
  async payments(window: Window, result: WalkResult): Promise<void> {
    const list = this.stripe.balanceTransactions.list({
      created: createdIn(window),
      type: 'charge',
      limit: CHUNK_COUNT,
      expand: ['data.source'],
    });
    for await (const chunk of chunksOf(list, CHUNK_COUNT)) {
      result.objectsChecked += chunk.length;
      const paymentIntentIds = chunk.flatMap(({ source }) => paymentOf(source as Stripe.Charge | string | null) ?? []);
      const known = new Set((await this.records.payments(paymentIntentIds)).map((payment) => payment.paymentIntentId));
      for (const payment_intent of paymentIntentIds) {
        if (known.has(payment_intent)) continue;
        const { data } = await this.stripe.checkout.sessions.list({ payment_intent, limit: 1 });
        await this.compareSessions(data, result);
      }
    }
  }

  async refunds(window: Window, result: WalkResult): Promise<void> {
    const list = this.stripe.refunds.list({ created: createdIn(window), limit: CHUNK_COUNT });
    const seen = new Set<string>();
    for await (const chunk of chunksOf(list, CHUNK_COUNT)) {
      for (const refund of chunk) {
        seen.add(refund.id);
        const compare = (theirs: Stripe.Refund) => this.compareRefund(theirs);
        const refetch = () => this.stripe.refunds.retrieve(refund.id);
        await this.follow(refund, { compare, refetch, repair: (theirs) => this.effects.applyStripeRefund(theirs, {}) }, result);
      }
    }
    for await (const refund of this.records.cardRefundsDone(window.from, window.until)) {
      if (refund.stripeRefundId && seen.has(refund.stripeRefundId)) continue;
      result.objectsChecked++;
      const theirs = refund.stripeRefundId ? await known(this.stripe.refunds.retrieve(refund.stripeRefundId)) : null;
      const difference = theirs ? await this.compareRefund(theirs) : refundUnknownToStripe(refund);
      if (difference) result.findings.push({ ...difference, repaired: false });
    }
  }

  async disputes(window: Window, result: WalkResult): Promise<void> {
    for await (const dispute of this.stripe.disputes.list({ created: createdIn(window), limit: CHUNK_COUNT })) {
      const compare = (theirs: Stripe.Dispute) => this.compareDispute(theirs);
      const refetch = () => this.stripe.disputes.retrieve(dispute.id);
      await this.follow(dispute, { compare, refetch, repair: (theirs) => this.effects.applyDispute(theirs, {}) }, result);
    }
  }

  /** The prices of all that is on sale now, whatever the window. */
  async prices(result: WalkResult): Promise<void> {
    const active = new Map<string, Stripe.Price>();
    for await (const price of this.stripe.prices.list({ active: true, limit: CHUNK_COUNT })) {
      active.set(price.id, price);
      if (active.size >= LARGEST_PRICES) break;
    }
    for await (const ours of this.records.prices()) {
      result.objectsChecked++;
      const theirs = active.get(ours.stripePriceId) ?? (await known(this.stripe.prices.retrieve(ours.stripePriceId)));
      const difference = comparePrice(theirs, ours);
      if (difference) result.findings.push({ ...difference, repaired: false });
    }
  }

  private async compareSessions(sessions: readonly Stripe.Checkout.Session[], result: WalkResult): Promise<void> {
    const orders = await this.ordersOf(sessions);
    for (const session of sessions) {
      result.objectsChecked++;
      if (!compareSession(session, orders.get(session.id) ?? null)) continue;
      const finding = await examine<Stripe.Checkout.Session>({
        refetch: () => this.stripe.checkout.sessions.retrieve(session.id, { expand: ['payment_intent'] }),
        compare: async (theirs) => compareSession(theirs, (await this.ordersOf([theirs])).get(theirs.id) ?? null),
        repair: (theirs) => this.effects.applyCheckoutSession(theirs, {}),
      });
      if (finding) result.findings.push(finding);
    }
  }

  private async ordersOf(sessions: readonly Stripe.Checkout.Session[]) {
    const named = new Map(sessions.map((session) => [orderNamedBy(session), session.id]));
    const orderIds = [...named.keys()].filter((id) => id !== null);
    const orders = await this.records.orders(
      sessions.map((session) => session.id),
      orderIds,
    );
    return new Map(orders.map((order) => [order.stripeSessionId ?? named.get(order.id) ?? '', order]));
  }

  private async session(id: string): Promise<Stripe.Checkout.Session | null> {
    return known(this.stripe.checkout.sessions.retrieve(id, { expand: ['payment_intent'] }));
  }

  private async compareRefund(refund: Stripe.Refund): Promise<Difference | null> {
    const named = refund.metadata?.refund_id;
    const [ours] = await this.records.refunds([refund.id], named && isUuid(named) ? [named] : []);
    return compareRefund(refund, ours ?? null, await this.paymentRecord(refund.payment_intent));
  }

  private async compareDispute(dispute: Stripe.Dispute): Promise<Difference | null> {
    const [ours] = await this.records.disputes([dispute.id]);
    return compareDispute(dispute, ours ?? null, await this.paymentRecord(dispute.payment_intent));
  }

  private async paymentRecord(paymentIntent: string | { id: string } | null) {
    const id = typeof paymentIntent === 'string' ? paymentIntent : paymentIntent?.id;
    return id === undefined ? null : ((await this.records.payments([id]))[0] ?? null);
  }

  private async follow<Theirs>(
    theirs: Theirs,
    examination: Parameters<typeof examine<Theirs>>[0],
    result: WalkResult,
  ): Promise<void> {
    result.objectsChecked++;
    if (!(await examination.compare(theirs))) return;
    const finding = await examine(examination);
    if (finding) result.findings.push(finding);
  }
}

/** The order that a session was opened for: its metadata says so, and its reference again. */
function orderNamedBy(session: Stripe.Checkout.Session): string | null {
  const named = session.metadata?.order_id ?? session.client_reference_id;
  return named && isUuid(named) ? named : null;
}

function paymentOf(source: Stripe.Charge | string | null): string | null {
  if (typeof source === 'string' || !source?.payment_intent) return null;
  return typeof source.payment_intent === 'string' ? source.payment_intent : source.payment_intent.id;
}

/** Null for what Stripe does not know. */
async function known<Theirs>(asked: Promise<Theirs>): Promise<Theirs | null> {
  try {
    return await asked;
  } catch (error) {
    if (isMissingAtStripe(error)) return null;
    throw error;
  }
}
