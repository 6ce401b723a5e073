import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type Stripe from 'stripe';
import type { Order } from '../../src/entities/order.js';
import type { Caller } from '../../src/services/caller.js';
import type { Offer } from '../../src/services/purchases/offer.js';
import { CardShop } from '../support/card-shop.js';
import { ADMIN, aKey } from '../support/shop.js';
import { disputeOf, refundOf, StripeSays } from '../support/stripe-says.js';

/**
 * Rules 5 to 9, written a second time as plainly as possible: what a person with paper and pencil would note. It shares nothing
 * with the product but the rules.
 */
class Paper {
  wallet: number;
  grant: 'ACTIVE' | 'SUSPENDED' | 'EXPIRED' | 'REFUNDED' | 'REVOKED' = 'ACTIVE';
  /** Who ended it, if anybody did: money that comes back after an outside return has ended it is the viewer's. */
  endedBy: 'US' | 'RETURN' | null = null;
  dayUsed = 0;
  /** How much of the 300 the operator keeps for the grant. */
  revenue: number;
  /** What the card got back, by us and by others; what disputes hold. */
  cardByUs = 0;
  cardByOthers = 0;
  readonly disputes = new Map<string, { taken: number; open: boolean; lost: boolean; final: boolean }>();

  constructor(
    wallet: number,
    readonly price: number,
  ) {
    this.wallet = wallet;
    this.revenue = price;
  }

  get held(): number {
    return [...this.disputes.values()].reduce((sum, { taken }) => sum + taken, 0);
  }

  get left(): number {
    return this.price - this.cardByUs - this.cardByOthers - this.held;
  }

  get lives(): boolean {
    return this.grant === 'ACTIVE' || this.grant === 'SUSPENDED';
  }

  private get over(): boolean {
    return this.dayUsed >= 3;
  }

  /** Money went back to the payer, and nobody asked us. */
  gone(amount: number): void {
    const fromRevenue = Math.min(amount, this.revenue);
    this.revenue -= fromRevenue;
    this.wallet += fromRevenue - amount;
    this.settle(true);
  }

  /** Money that had gone is at Stripe again. */
  back(amount: number): void {
    this.wallet += amount;
    if (this.endedBy !== 'RETURN') {
      const kept = this.keptBefore - this.revenue;
      const still = Math.min(this.cardByOthers + this.held, this.keptBefore);
      const pays = Math.max(0, Math.min(amount, kept - still));
      this.revenue += pays;
      this.wallet -= pays;
    }
    this.settle(false);
  }

  /** How much the operator kept for the grant before any outside return. */
  private keptBefore = 300;

  refundedByUs(amount: number, toCard: boolean): void {
    this.revenue -= amount;
    this.keptBefore -= amount;
    if (toCard) this.cardByUs += amount;
    else this.wallet += amount;
    this.grant = 'REFUNDED';
    this.endedBy = 'US';
  }

  /** What a change of the payment means for the grant. */
  settle(leftTheAccount: boolean): void {
    const all = [...this.disputes.values()];
    const final = all.filter((dispute) => dispute.final).reduce((sum, { taken }) => sum + taken, 0);
    const nothingLeft = this.price - this.cardByUs - this.cardByOthers - final <= 0 && this.cardByOthers + this.held > 0;
    if (nothingLeft && leftTheAccount) {
      this.wallet += this.revenue;
      this.revenue = 0;
    }
    if (this.endedBy) return;
    if (nothingLeft) {
      this.grant = all.some(({ lost, taken }) => lost && taken > 0) ? 'REVOKED' : 'REFUNDED';
      this.endedBy = 'RETURN';
    } else if (all.some(({ open }) => open)) this.grant = this.grant === 'ACTIVE' && !this.over ? 'SUSPENDED' : this.grant;
    else if (this.grant === 'SUSPENDED') this.grant = this.over ? 'EXPIRED' : 'ACTIVE';
  }
}

type Step =
  | { do: 'refundAtStripe'; part: number; status: 'pending' | 'succeeded' }
  | { do: 'refundFails'; pick: number }
  | { do: 'disputeOpens'; part: number }
  | { do: 'disputeGrows'; pick: number; part: number }
  | { do: 'disputeReturns'; pick: number; part: number }
  | { do: 'disputeEnds'; pick: number; won: boolean }
  | { do: 'refundGrant'; to: 'CARD' | 'BALANCE' | null }
  | { do: 'refundPayment'; part: number }
  | { do: 'buy' }
  | { do: 'topUp' }
  | { do: 'dayPasses' }
  | { do: 'deliveredAgain'; pick: number };

const part = fc.constantFrom(0.01, 0.34, 0.5, 1);
const pick = fc.nat(5);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('refundAtStripe' as const), part, status: fc.constantFrom('pending', 'succeeded') }),
  },
  fc.record({ do: fc.constant('refundFails' as const), pick }),
  { weight: 3, arbitrary: fc.record({ do: fc.constant('disputeOpens' as const), part }) },
  fc.record({ do: fc.constant('disputeGrows' as const), pick, part }),
  { weight: 2, arbitrary: fc.record({ do: fc.constant('disputeReturns' as const), pick, part }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('disputeEnds' as const), pick, won: fc.boolean() }) },
  fc.record({ do: fc.constant('refundGrant' as const), to: fc.constantFrom('CARD' as const, 'BALANCE' as const, null) }),
  fc.record({ do: fc.constant('refundPayment' as const), part }),
  fc.record({ do: fc.constant('buy' as const) }),
  fc.record({ do: fc.constant('topUp' as const) }),
  fc.record({ do: fc.constant('dayPasses' as const) }),
  { weight: 3, arbitrary: fc.record({ do: fc.constant('deliveredAgain' as const), pick }) },
) as fc.Arbitrary<Step>;

interface Dispute {
  id: string;
  moved: number[];
  status: Stripe.Dispute['status'];
}

describe('random histories of one card payment', () => {
  let shop: CardShop;
  let stripe: StripeSays;
  let plan: Offer;
  let cheap: Offer;
  beforeAll(async () => {
    shop = await CardShop.open();
    stripe = new StripeSays(shop);
    plan = await shop.desk.putOnSale(100, 3);
    cheap = await shop.desk.putOnSale(70, 1);
  });
  afterAll(() => shop.close());

  class History {
    readonly paper = new Paper(300, 300);
    readonly refunds: { refund: Stripe.Refund; failed: boolean }[] = [];
    readonly disputes: Dispute[] = [];
    /** All that Stripe has said, to be said again at any time. */
    readonly said: (() => Promise<unknown>)[] = [];
    spentElsewhere = 0;
    toppedUp = 0;

    constructor(
      readonly viewer: Caller & { userId: string },
      readonly order: Order,
      readonly grantId: string,
    ) {}

    async say(words: () => Promise<unknown>): Promise<void> {
      this.said.push(words);
      await words();
    }

    chosen<Item>(items: Item[], index: number): Item | undefined {
      return items.length > 0 ? items[index % items.length] : undefined;
    }

    async refundAtStripe(amount: number, status: 'pending' | 'succeeded'): Promise<void> {
      if (amount < 1) return;
      const refund = refundOf(this.order, amount, { status });
      this.refunds.push({ refund, failed: false });
      this.paper.cardByOthers += amount;
      this.paper.gone(amount);
      await this.say(() => stripe.refund(refund));
    }

    async refundFails(index: number): Promise<void> {
      const made = this.chosen(
        this.refunds.filter(({ failed }) => !failed),
        index,
      );
      if (!made) return;
      made.failed = true;
      this.paper.cardByOthers -= made.refund.amount;
      this.paper.back(made.refund.amount);
      await this.say(() => stripe.refund({ ...made.refund, status: 'failed', failure_reason: 'declined' }));
    }

    async sayDispute({ id, moved, status }: Dispute): Promise<void> {
      const dispute = disputeOf(this.order, status, [...moved], { id });
      await this.say(() => shop.desk.disputes.applyDispute(dispute, null));
    }

    /** Notes what the dispute holds and its status; returns how much more it holds than before. */
    note({ id, moved, status }: Dispute): number {
      const taken = Math.max(0, -moved.reduce((sum, amount) => sum + amount, 0));
      const before = this.paper.disputes.get(id)?.taken ?? 0;
      const open = status !== 'won' && status !== 'lost';
      const final = status === 'lost' || (status === 'won' && moved.some((amount) => amount > 0));
      this.paper.disputes.set(id, { taken, open, lost: status === 'lost', final });
      return taken - before;
    }

    async disputeTakes(dispute: Dispute, amount: number): Promise<void> {
      if (amount < 1) return;
      dispute.moved.push(-amount);
      this.note(dispute);
      this.paper.gone(amount);
      await this.sayDispute(dispute);
    }

    async disputeReturns(dispute: Dispute | undefined, fraction: number): Promise<void> {
      const taken = dispute ? (this.paper.disputes.get(dispute.id)?.taken ?? 0) : 0;
      const amount = Math.floor(taken * fraction);
      if (!dispute || amount < 1) return;
      dispute.moved.push(amount);
      this.note(dispute);
      this.paper.back(amount);
      await this.sayDispute(dispute);
    }

    async disputeEnds(dispute: Dispute | undefined, won: boolean): Promise<void> {
      if (!dispute || dispute.status === 'won' || (dispute.status === 'lost' && !won)) return;
      dispute.status = won ? 'won' : 'lost';
      this.note(dispute);
      this.paper.settle(!won);
      await this.sayDispute(dispute);
      // What Stripe returns after a win comes a moment later.
      if (won) await this.disputeReturns(dispute, 1);
    }

    async refundGrant(to: 'CARD' | 'BALANCE' | null): Promise<void> {
      const { paper } = this;
      const unused = Math.max(0, Math.min(2, 3 - paper.dayUsed));
      const amount = Math.floor((paper.revenue * unused) / 3);
      const chargedBack = [...paper.disputes.values()].some(({ open, lost }) => open || lost);
      const cardCan = !chargedBack && paper.left >= amount && paper.wallet >= 0;
      const refused = paper.grant !== 'ACTIVE' || paper.dayUsed >= 3 || amount < 1 || (to === 'CARD' && !cardCan);
      const input = { grantId: this.grantId, destination: to, idempotencyKey: aKey() };
      const { refund, errors } = await shop.desk.refunds.refundGrant(ADMIN, input);
      expect([refused, errors.length]).toEqual([refused, refused ? 1 : 0]);
      if (refused) return;
      const toCard = to === null ? cardCan : to === 'CARD';
      expect(refund).toMatchObject({ amount, status: 'SUCCEEDED', destination: toCard ? 'CARD' : 'BALANCE' });
      paper.refundedByUs(amount, toCard);
    }

    async refundPayment(fraction: number): Promise<void> {
      const { paper } = this;
      const amount = Math.floor(paper.left * fraction);
      if (amount < 1) return;
      const [topUp] = await shop.db.rows<{ id: string }>("select id from transactions where order_id = $1 and kind = 'TOP_UP'", [
        this.order.id,
      ]);
      const input = { transactionId: topUp?.id as string, amount, idempotencyKey: aKey() };
      const { refund, errors } = await shop.desk.refunds.refundTransaction(this.viewer, input);
      const living = paper.grant === 'SUSPENDED' || (paper.grant === 'ACTIVE' && paper.dayUsed < 3);
      const chargedBack = [...paper.disputes.values()].some(({ open, lost }) => open || lost);
      const may = !living && !chargedBack && amount <= paper.wallet;
      expect([may, errors.length]).toEqual([may, may ? 0 : 1]);
      if (!may) return;
      expect(refund?.status).toBe('SUCCEEDED');
      paper.cardByUs += amount;
      paper.wallet -= amount;
    }

    async buy(): Promise<void> {
      const { errors } = await shop.buy(this.viewer, cheap);
      const may = this.paper.wallet >= cheap.price;
      expect(errors.length).toBe(may ? 0 : 1);
      if (!may) return;
      this.paper.wallet -= cheap.price;
      this.spentElsewhere += cheap.price;
    }

    async topUp(): Promise<void> {
      await shop.topUp(this.viewer, 150);
      this.paper.wallet += 150;
      this.toppedUp += 150;
    }

    async dayPasses(): Promise<void> {
      shop.clock.advanceDays(1);
      this.paper.dayUsed++;
      await shop.desk.grants.expireDue(100);
      if (this.paper.dayUsed >= 3 && this.paper.grant === 'ACTIVE') this.paper.grant = 'EXPIRED';
    }

    async take(next: Step): Promise<void> {
      const { left } = this.paper;
      if (next.do === 'refundAtStripe') await this.refundAtStripe(Math.ceil(left * next.part), next.status);
      else if (next.do === 'refundFails') await this.refundFails(next.pick);
      else if (next.do === 'disputeOpens') {
        if (left < 1) return;
        const dispute = { id: `du_${this.order.id}_${this.disputes.length}`, moved: [], status: 'needs_response' as const };
        this.disputes.push(dispute);
        await this.disputeTakes(dispute, Math.ceil(left * next.part));
      } else if (next.do === 'disputeGrows') {
        const dispute = this.chosen(this.disputes, next.pick);
        if (dispute?.status === 'needs_response') await this.disputeTakes(dispute, Math.floor(left * next.part));
      } else if (next.do === 'disputeReturns') await this.disputeReturns(this.chosen(this.disputes, next.pick), next.part);
      else if (next.do === 'disputeEnds') await this.disputeEnds(this.chosen(this.disputes, next.pick), next.won);
      else if (next.do === 'refundGrant') await this.refundGrant(next.to);
      else if (next.do === 'refundPayment') await this.refundPayment(next.part);
      else if (next.do === 'buy') await this.buy();
      else if (next.do === 'topUp') await this.topUp();
      else if (next.do === 'dayPasses') await this.dayPasses();
      else await this.chosen(this.said, next.pick)?.();
    }

    /** Everything that can be seen from outside beside everything on paper. */
    async expectAgreement(after: Step): Promise<void> {
      const { paper, viewer } = this;
      const { posted, held } = await shop.balance(viewer);
      const rows = await shop.db.rows<{ account: string; sum: number }>(
        'select counter_account as account, sum(amount)::int as sum from transactions where user_id = $1 group by 1',
        [viewer.userId],
      );
      const sums = Object.fromEntries(rows.map(({ account, sum }) => [account, sum]));
      const seen = {
        after,
        grant: await shop.grantStatus(this.grantId),
        posted,
        held,
        stripe: sums.STRIPE,
        revenue: sums.REVENUE,
      };
      expect(seen).toEqual({
        after,
        grant: paper.grant,
        posted: paper.wallet,
        held: 0,
        stripe: 300 + this.toppedUp - paper.cardByUs - paper.cardByOthers - paper.held,
        revenue: 0 - paper.revenue - this.spentElsewhere,
      });
    }
  }

  test('paper and database agree after every step, whatever arrives twice or late, and the ledger always adds up', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 16 }), async (steps) => {
        const viewer = await shop.viewer(300);
        const order = await shop.buyByCard(viewer, plan);
        const history = new History(viewer, order, (await shop.grantOf(order)).id);
        for (const next of steps) {
          await history.take(next);
          await history.expectAgreement(next);
        }
        expect(await shop.discrepancies()).toEqual([]);
      }),
      { numRuns: Number(process.env.OUTSIDE_RETURNS_RUNS ?? 60), seed: 20261128, endOnFailure: false },
    );
  }, 240_000);
});
