import { setTimeout as pause } from 'node:timers/promises';
import type { Sandbox } from '@boxoffice/stripe-sandbox';
import type { Api, Learned, Request } from './api.js';
import type { Dice } from './dice.js';
import type { Recorder } from './recorder.js';
import { StripeSide, sessionOf } from './stripe-side.js';

const CURRENCY = 'USD';
const ATTEMPTS = 3;
const MAX_PAUSE_MS = 60;

/** How often each thing is done, in proportion. */
const WEIGHTS = {
  credit: 10,
  debit: 4,
  buyFromBalance: 14,
  buyByCard: 9,
  topUp: 7,
  refundGrant: 11,
  refundPartlyReturned: 4,
  refundTopUp: 6,
  gift: 5,
  revoke: 4,
  cancel: 2,
  readAccount: 10,
  readAccess: 12,
  readOrder: 4,
  repeat: 7,
  conflict: 2,
  atStripe: 8,
} as const;

export interface Plan {
  readonly subscriptionId: string;
  readonly filmIds: readonly string[];
}

/** What clients know about one viewer: enough to ask for something that may be possible. */
export class KnownViewer {
  readonly grants = new Map<string, string>();
  readonly topUps = new Set<string>();
  readonly openOrders = new Set<string>();
  readonly sent: Request[] = [];

  constructor(readonly id: string) {}
}

export interface ClientParts {
  readonly api: Api;
  readonly recorder: Recorder;
  readonly sandbox: Sandbox;
  readonly plans: readonly Plan[];
}

/** One client: it does one thing after the other, for any of the viewers, like everybody's front end, back end and bank at once. */
export class Client {
  private keys = 0;
  private readonly stripe: StripeSide;

  constructor(
    private readonly number: number,
    private readonly dice: Dice,
    private readonly parts: ClientParts,
  ) {
    this.stripe = new StripeSide(parts.sandbox, parts.recorder, dice);
  }

  /** Until aborted. `viewers` returns those of the moment. */
  async work(viewers: () => readonly KnownViewer[], signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const viewer = this.dice.oneOf(viewers());
      if (viewer) await this.actions[this.dice.weighted(WEIGHTS)](viewer);
      await pause(this.dice.between(0, MAX_PAUSE_MS));
    }
  }

  private readonly actions: Readonly<Record<keyof typeof WEIGHTS, (viewer: KnownViewer) => Promise<unknown>>> = {
    credit: (viewer) => this.adjust(viewer, this.dice.between(100, 6_000)),
    debit: (viewer) => this.adjust(viewer, -this.dice.between(100, 4_000)),
    buyFromBalance: (viewer) => this.buy(viewer, 'BALANCE'),
    buyByCard: async (viewer) => this.checkout(viewer, await this.buy(viewer, 'CARD')),
    topUp: async (viewer) => {
      // Few amounts, because a viewer has one open order for each.
      const input = { amount: 500 * this.dice.between(1, 6), idempotencyKey: this.key() };
      const request: Request = { action: 'topUp', viewer: viewer.id, isAdmin: false, input, sent: { currency: CURRENCY } };
      return this.checkout(viewer, await this.insist(viewer, request));
    },
    refundGrant: async (viewer) => this.refundGrant(viewer, this.dice.oneOf([...viewer.grants.keys()])),
    refundPartlyReturned: (viewer) => this.refundPartlyReturned(viewer),
    refundTopUp: (viewer) => this.refundTopUp(viewer),
    gift: (viewer) => {
      const input = { subscriptionId: this.plan(), reason: 'a gift', idempotencyKey: this.key() };
      return this.insist(viewer, { action: 'giftGrant', viewer: viewer.id, isAdmin: true, input, sent: { userId: viewer.id } });
    },
    revoke: async (viewer) => {
      const grantId = this.dice.oneOf([...viewer.grants.keys()]);
      // The reason names the call, which has no key.
      if (grantId)
        await this.send(viewer, {
          action: 'revokeGrant',
          viewer: viewer.id,
          isAdmin: true,
          input: { grantId, reason: this.key() },
        });
    },
    cancel: async (viewer) => {
      const orderId = this.dice.oneOf([...viewer.openOrders]);
      if (orderId) await this.send(viewer, { action: 'cancelOrder', viewer: viewer.id, isAdmin: false, input: { orderId } });
    },
    readAccount: (viewer) => this.send(viewer, { action: 'account', viewer: viewer.id, isAdmin: false, input: {} }),
    readAccess: (viewer) => {
      const filmIds = [...new Set(this.parts.plans.flatMap((plan) => plan.filmIds))];
      return this.send(viewer, { action: 'access', viewer: viewer.id, isAdmin: false, input: { filmIds } });
    },
    readOrder: async (viewer) => {
      const orderId = this.dice.oneOf([...viewer.openOrders]);
      if (orderId) await this.send(viewer, { action: 'order', viewer: viewer.id, isAdmin: false, input: { orderId } });
    },
    repeat: async (viewer) => {
      const request = this.dice.oneOf(viewer.sent.slice(-20));
      if (request) await this.send(viewer, request);
    },
    conflict: async (viewer) => {
      const request = this.dice.oneOf(viewer.sent.filter(({ action }) => action === 'adjustBalance').slice(-10));
      if (request) await this.send(viewer, { ...request, input: { ...request.input, amount: (request.input.amount ?? 0) + 1 } });
    },
    atStripe: async (viewer) => this.stripe.act(viewer.id),
  };

  private adjust(viewer: KnownViewer, amount: number): Promise<Learned> {
    const input = { amount, reason: 'an adjustment', idempotencyKey: this.key() };
    const sent = { userId: viewer.id, currency: CURRENCY };
    return this.insist(viewer, { action: 'adjustBalance', viewer: viewer.id, isAdmin: true, input, sent });
  }

  private buy(viewer: KnownViewer, payWith: 'CARD' | 'BALANCE'): Promise<Learned> {
    const input = { subscriptionId: this.plan(), payWith, idempotencyKey: this.key() };
    return this.insist(viewer, { action: 'purchase', viewer: viewer.id, isAdmin: false, input });
  }

  private plan(): string {
    return this.dice.oneOf(this.parts.plans)?.subscriptionId ?? '';
  }

  /** Pays, perhaps, and returns to the landing page, perhaps. */
  private async checkout(viewer: KnownViewer, { data, checkoutUrl }: Learned): Promise<void> {
    if (!data.order || !this.dice.happens(0.9) || !this.stripe.pay(viewer.id, checkoutUrl)) return;
    if (!this.dice.happens(0.6)) return;
    const input = { orderId: data.order.id };
    await this.send(viewer, { action: 'order', viewer: viewer.id, isAdmin: false, input });
    await this.send(viewer, { action: 'account', viewer: viewer.id, isAdmin: false, input: {} });
  }

  private async refundGrant(viewer: KnownViewer, grantId: string | undefined): Promise<void> {
    if (!grantId) return;
    const destination = this.dice.oneOf(['CARD', 'BALANCE', undefined] as const);
    const input = { grantId, idempotencyKey: this.key(), ...(destination ? { destination } : {}) };
    await this.insist(viewer, { action: 'refundGrant', viewer: viewer.id, isAdmin: this.dice.happens(0.2), input });
    // A player asks at once.
    await this.actions.readAccess(viewer);
  }

  /** Part of a payment is refunded at Stripe, and then its grant here: its share is no longer a whole number of days. */
  private async refundPartlyReturned(viewer: KnownViewer): Promise<void> {
    const { data, checkoutUrl } = await this.buy(viewer, 'CARD');
    const session = sessionOf(checkoutUrl);
    const payment = session && this.stripe.payByCard(viewer.id, session);
    if (!data.order || !payment) return;
    const input = { orderId: data.order.id };
    const paid = await this.send(viewer, { action: 'order', viewer: viewer.id, isAdmin: false, input });
    if (!paid.data.grant) return;
    this.stripe.refund(viewer.id, payment, this.dice.between(7, 200));
    await pause(this.dice.between(200, 1_200));
    await this.refundGrant(viewer, paid.data.grant.id);
  }

  private async refundTopUp(viewer: KnownViewer): Promise<void> {
    const transactionId = this.dice.oneOf([...viewer.topUps]);
    if (!transactionId) return;
    const amount = this.dice.happens(0.7) ? { amount: this.dice.between(50, 900) } : {};
    const input = { transactionId, idempotencyKey: this.key(), ...amount };
    await this.insist(viewer, { action: 'refundTransaction', viewer: viewer.id, isAdmin: false, input });
  }

  /** What a person does without an answer: tries again with the same key, a few times. */
  private async insist(viewer: KnownViewer, request: Request): Promise<Learned> {
    let learned = await this.send(viewer, request);
    for (let attempt = 1; attempt < ATTEMPTS && learned.outcome === 'UNKNOWN' && this.dice.happens(0.7); attempt++) {
      await pause(this.dice.between(50, 400));
      learned = await this.send(viewer, request);
    }
    return learned;
  }

  private async send(viewer: KnownViewer, request: Request): Promise<Learned> {
    if (request.input.idempotencyKey) viewer.sent.push(request);
    const learned = await this.parts.api.send(this.dice.between(0, 1), request);
    const { data, paidWith } = learned;
    for (const [id, how] of paidWith) viewer.grants.set(id, how);
    if (data.grant && !viewer.grants.has(data.grant.id)) viewer.grants.set(data.grant.id, 'BALANCE');
    for (const { id } of data.transactions ?? []) viewer.topUps.add(id);
    if (data.order?.status === 'OPEN') viewer.openOrders.add(data.order.id);
    else if (data.order) viewer.openOrders.delete(data.order.id);
    return learned;
  }

  private key(): string {
    return `client-${this.number}-${++this.keys}`;
  }
}
