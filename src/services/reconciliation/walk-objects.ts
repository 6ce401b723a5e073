import type Stripe from 'stripe';
import { describeFailure } from '../../runtime/describe-failure.js';
import { isMissingAtStripe } from '../../stores/stripe.js';
import type { SyncOutcome } from '../catalogue/catalogue-sync.js';
import { orderNamedBy } from '../purchases/decide-order.js';
import { refundNamedBy } from '../refunds/decide-refund.js';
import type { StripeEffects } from '../stripe-events/process-event.js';
import { idOf } from '../stripe-events/stripe-objects.js';
import {
  compareDispute,
  comparePrice,
  compareRefund,
  compareSession,
  type Difference,
  disputeUnknownToStripe,
  ourRefundOf,
  refundUnknownToStripe,
  type StripePrice,
  sessionUnknownToStripe,
} from './compare.js';
import { createdIn, type Window } from './decide-windows.js';
import type { OurRecords } from './our-records.js';
import type { MovedTotal } from './reconciliation-store.js';

/** Groups items into arrays of at most `size`, so that each group can be looked up in one statement. */
export async function* chunksOf<Item>(items: AsyncIterable<Item>, size: number): AsyncGenerator<Item[]> {
  let chunk: Item[] = [];
  for await (const item of items) {
    chunk.push(item);
    if (chunk.length === size) {
      yield chunk;
      chunk = [];
    }
  }
  if (chunk.length > 0) yield chunk;
}

/** Returns null if Stripe does not know the object. */
export async function nullIfMissing<Theirs>(asked: Promise<Theirs>): Promise<Theirs | null> {
  try {
    return await asked;
  } catch (error) {
    if (isMissingAtStripe(error)) return null;
    throw error;
  }
}

/** A difference, and whether it was repaired. */
export interface Finding extends Difference {
  readonly repaired: boolean;
}

export interface Recheck<Theirs> {
  /** Reads Stripe's current object. */
  readonly refetch: () => Promise<Theirs>;
  /** Compares it with our current record. */
  readonly compare: (theirs: Theirs) => Promise<Difference | null>;
  readonly repair: (theirs: Theirs) => Promise<unknown>;
}

/**
 * Follows up a difference: reads both sides again, because they may change during the comparison; repairs what the rules allow; and
 * checks whether that helped. Returns null if the difference has disappeared.
 */
export async function recheck<Theirs>({ refetch, compare, repair }: Recheck<Theirs>): Promise<Finding | null> {
  const theirs = await refetch();
  const difference = await compare(theirs);
  if (!difference) return null;
  if (!difference.repairable) return { ...difference, repaired: false };
  try {
    await repair(theirs);
  } catch (error) {
    return { ...difference, detail: `${difference.detail} Repair failed: ${describeFailure(error)}`, repaired: false };
  }
  return { ...difference, repaired: (await compare(theirs)) === null };
}

const CHUNK_COUNT = 100;

/** The result of the walk so far. */
export interface WalkResult {
  objectsChecked: number;
  eventsReplayed: number;
  readonly findings: Finding[];
  /** What Stripe moved for our viewers. */
  moved: readonly MovedTotal[];
}

/** An empty result. */
export const newWalkResult = (): WalkResult => ({ objectsChecked: 0, eventsReplayed: 0, findings: [], moved: [] });

type StripeReads = Pick<Stripe, 'checkout' | 'refunds' | 'disputes'>;

/** Compares Stripe's objects in a window with our records, and our records with Stripe. */
export class ObjectWalk {
  constructor(
    private readonly stripe: StripeReads,
    private readonly records: OurRecords,
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

  async refunds(window: Window, result: WalkResult): Promise<void> {
    const list = this.stripe.refunds.list({ created: createdIn(window), limit: CHUNK_COUNT });
    const seen = new Set<string>();
    for await (const chunk of chunksOf(list, CHUNK_COUNT)) {
      for (const refund of chunk) {
        seen.add(refund.id);
        await this.followRefund(refund, result);
      }
    }
    for await (const refund of this.records.cardRefundsDone(window.from, window.until)) {
      if (refund.stripeRefundId && seen.has(refund.stripeRefundId)) continue;
      result.objectsChecked++;
      const theirs = refund.stripeRefundId ? await nullIfMissing(this.stripe.refunds.retrieve(refund.stripeRefundId)) : null;
      const difference = theirs ? await this.compareRefund(theirs) : refundUnknownToStripe(refund);
      if (difference) result.findings.push({ ...difference, repaired: false });
    }
  }

  async disputes(window: Window, result: WalkResult): Promise<void> {
    const seen = new Set<string>();
    for await (const dispute of this.stripe.disputes.list({ created: createdIn(window), limit: CHUNK_COUNT })) {
      seen.add(dispute.id);
      await this.followDispute(dispute, result);
    }
    for await (const ours of this.records.disputesOpened(window.from, window.until)) {
      if (seen.has(ours.stripeDisputeId)) continue;
      const theirs = await nullIfMissing(this.stripe.disputes.retrieve(ours.stripeDisputeId));
      if (theirs) {
        await this.followDispute(theirs, result);
        continue;
      }
      result.objectsChecked++;
      result.findings.push({ ...disputeUnknownToStripe(ours), repaired: false });
    }
  }

  /** Compares a refund with ours, and applies it if they differ. */
  async followRefund(refund: Stripe.Refund, result: WalkResult): Promise<void> {
    const compare = (theirs: Stripe.Refund) => this.compareRefund(theirs);
    const refetch = () => this.stripe.refunds.retrieve(refund.id);
    await this.follow(
      refund,
      { compare, refetch, repair: (theirs) => this.effects.stripeRefunds.applyStripeRefund(theirs, null) },
      result,
    );
  }

  /** Compares a dispute with ours, and applies it if they differ. */
  async followDispute(dispute: Stripe.Dispute, result: WalkResult): Promise<void> {
    const compare = (theirs: Stripe.Dispute) => this.compareDispute(theirs);
    const refetch = () => this.stripe.disputes.retrieve(dispute.id);
    await this.follow(
      dispute,
      { compare, refetch, repair: (theirs) => this.effects.disputes.applyDispute(theirs, null) },
      result,
    );
  }

  /** Compares sessions with their orders, and fulfils paid ones. */
  async compareSessions(sessions: readonly Stripe.Checkout.Session[], result: WalkResult): Promise<void> {
    const orders = await this.ordersOf(sessions);
    for (const session of sessions) {
      // The walk over payments reaches the same session again.
      if (result.findings.some((finding) => finding.stripeId === session.id)) continue;
      result.objectsChecked++;
      if (!compareSession(session, orders.get(session.id) ?? null)) continue;
      const finding = await recheck<Stripe.Checkout.Session>({
        refetch: () => this.stripe.checkout.sessions.retrieve(session.id, { expand: ['payment_intent'] }),
        compare: async (theirs) => compareSession(theirs, (await this.ordersOf([theirs])).get(theirs.id) ?? null),
        repair: (theirs) => this.effects.fulfilment.applyCheckoutSession(theirs, null),
      });
      if (finding) result.findings.push(finding);
    }
  }

  private async ordersOf(sessions: readonly Stripe.Checkout.Session[]) {
    const orderIds = sessions.flatMap((session) => orderNamedBy(session) ?? []);
    const sessionIds = sessions.map((session) => session.id);
    const orders = await this.records.orders(sessionIds, orderIds);
    const bySession = new Map(orders.map((order) => [order.stripeSessionId, order]));
    const byId = new Map(orders.map((order) => [order.id, order]));
    return new Map(
      sessions.flatMap((session) => {
        const order = bySession.get(session.id) ?? byId.get(orderNamedBy(session) ?? '');
        return order ? [[session.id, order] as const] : [];
      }),
    );
  }

  private async session(id: string): Promise<Stripe.Checkout.Session | null> {
    return nullIfMissing(this.stripe.checkout.sessions.retrieve(id, { expand: ['payment_intent'] }));
  }

  private async compareRefund(refund: Stripe.Refund): Promise<Difference | null> {
    const named = refundNamedBy(refund);
    const records = await this.records.refunds([refund.id], named ? [named] : []);
    const payment = await this.paymentRecord(refund.payment_intent);
    return compareRefund(refund, ourRefundOf(refund, records, payment), payment);
  }

  private async compareDispute(dispute: Stripe.Dispute): Promise<Difference | null> {
    const [ours] = await this.records.disputes([dispute.id]);
    return compareDispute(dispute, ours ?? null, await this.paymentRecord(dispute.payment_intent));
  }

  private async paymentRecord(paymentIntent: string | { id: string } | null) {
    const id = idOf(paymentIntent);
    return id === null ? null : ((await this.records.payments([id]))[0] ?? null);
  }

  private async follow<Theirs extends { id: string }>(theirs: Theirs, steps: Recheck<Theirs>, result: WalkResult): Promise<void> {
    if (result.findings.some((finding) => finding.stripeId === theirs.id)) return;
    result.objectsChecked++;
    if (!(await steps.compare(theirs))) return;
    const finding = await recheck(steps);
    if (finding) result.findings.push(finding);
  }
}

/** The maximum number of Stripe's active prices kept in memory. */
const MAX_PRICES = 20_000;

export interface PriceWalk {
  readonly stripe: Pick<Stripe, 'prices'>;
  readonly records: OurRecords;
  /** Copies the current state of a subscription to Stripe again. */
  readonly copyAgain: (subscriptionId: string) => Promise<SyncOutcome>;
}

/** Compares the prices of everything on sale now, whatever the window, and copies again what differs. */
export async function walkPrices({ stripe, records, copyAgain }: PriceWalk, result: WalkResult): Promise<void> {
  const active = new Map<string, StripePrice>();
  for await (const price of stripe.prices.list({ active: true, limit: CHUNK_COUNT, expand: ['data.product'] })) {
    active.set(price.id, price);
    if (active.size >= MAX_PRICES) break;
  }
  const lookUp = (id: string) => nullIfMissing(stripe.prices.retrieve(id, { expand: ['product'] }));
  for await (const ours of records.prices()) {
    result.objectsChecked++;
    const theirs = active.get(ours.stripePriceId) ?? (await lookUp(ours.stripePriceId));
    if (!comparePrice(theirs, ours)) continue;
    const finding = await recheck<string>({
      refetch: async () => ours.subscriptionId,
      compare: async (subscriptionId) => {
        const now = await records.price(subscriptionId);
        return now && comparePrice(await lookUp(now.stripePriceId), now);
      },
      repair: async (subscriptionId) => {
        if ((await copyAgain(subscriptionId)) === 'FAILED')
          throw new Error('it could not be copied to Stripe; the job tries again.');
      },
    });
    if (finding) result.findings.push(finding);
  }
}
