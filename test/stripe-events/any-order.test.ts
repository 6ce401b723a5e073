import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type Stripe from 'stripe';
import { newId } from '../../src/services/ids.js';
import { ReconciliationScene } from '../reconciliation/reconciliation-scene.js';
import { MovableClock } from '../support/movable-clock.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import { deliver, newEvent } from './scene.js';

/** Ids of one purchase of 1000 and all that is about it at Stripe. */
interface Names {
  readonly session: string;
  readonly payment: string;
  readonly refunds: readonly [string, string];
  readonly dispute: string;
  readonly orderId: string;
  /** What the viewer owed before, which must change nothing. */
  readonly debt: number;
}

type EventOf = (names: Names) => Stripe.Event;

const session =
  (type: string, status: string, payment_status: string): EventOf =>
  ({ session, payment, orderId }) =>
    newEvent(`checkout.session.${type}`, {
      id: session,
      object: 'checkout.session',
      status,
      payment_status,
      amount_total: 1_000,
      currency: 'usd',
      payment_intent: payment,
      client_reference_id: orderId,
      metadata: { order_id: orderId },
    });
const refund =
  (type: string, which: 0 | 1, amount: number, status: string): EventOf =>
  ({ refunds, payment }) =>
    newEvent(type, {
      id: refunds[which],
      object: 'refund',
      amount,
      currency: 'usd',
      status,
      payment_intent: payment,
      metadata: {},
    });
const dispute =
  (type: string, status: string, amount = 1_000): EventOf =>
  ({ dispute, payment }) =>
    newEvent(`charge.dispute.${type}`, {
      id: dispute,
      object: 'dispute',
      amount,
      currency: 'usd',
      status,
      reason: 'fraudulent',
      payment_intent: payment,
    });

const paid = session('completed', 'complete', 'paid');
const unpaid = session('completed', 'complete', 'unpaid');

const scenarios: { name: string; events: EventOf[]; end: object }[] = [
  {
    name: 'a payment that takes its time',
    events: [unpaid, session('async_payment_succeeded', 'complete', 'paid')],
    end: { order: 'PAID', grant: 'ACTIVE', posted: 0 },
  },
  {
    name: 'a payment that takes its time and fails',
    events: [unpaid, session('async_payment_failed', 'complete', 'unpaid')],
    end: { order: 'FAILED', grant: null, posted: 0 },
  },
  {
    name: 'a session that was paid in its last second',
    events: [session('expired', 'expired', 'unpaid'), paid],
    end: { order: 'PAID', grant: 'ACTIVE', posted: 0 },
  },
  {
    name: 'a refund in two parts, made in the dashboard',
    events: [
      paid,
      refund('refund.created', 0, 400, 'pending'),
      refund('refund.updated', 0, 400, 'succeeded'),
      refund('refund.created', 1, 600, 'succeeded'),
      refund('charge.refund.updated', 1, 600, 'succeeded'),
    ],
    end: { order: 'PAID', grant: 'REFUNDED', posted: 0, refunds: ['SUCCEEDED', 'SUCCEEDED'] },
  },
  {
    name: 'a refund that fails days later',
    events: [
      paid,
      refund('refund.created', 0, 400, 'pending'),
      refund('refund.updated', 0, 400, 'succeeded'),
      refund('refund.failed', 0, 400, 'failed'),
    ],
    end: { order: 'PAID', grant: 'ACTIVE', refunds: ['FAILED'] },
  },
  {
    name: 'a dispute that is won',
    events: [
      paid,
      dispute('created', 'needs_response'),
      dispute('funds_withdrawn', 'needs_response'),
      dispute('closed', 'won'),
      dispute('funds_reinstated', 'won'),
    ],
    end: { order: 'PAID', grant: 'ACTIVE', posted: 0, dispute: 'WON REINSTATED' },
  },
  {
    name: 'a dispute that is lost',
    events: [paid, dispute('created', 'warning_needs_response'), dispute('updated', 'under_review'), dispute('closed', 'lost')],
    end: { order: 'PAID', grant: 'REVOKED', posted: 0, dispute: 'LOST WITHDRAWN' },
  },
  {
    name: 'an inquiry about a part that grows into a dispute about all, won',
    events: [
      paid,
      dispute('created', 'warning_needs_response', 400),
      dispute('updated', 'needs_response', 1_000),
      dispute('closed', 'won', 1_000),
    ],
    end: { order: 'PAID', grant: 'ACTIVE', posted: 0, dispute: 'WON REINSTATED', disputed: 1_000 },
  },
  {
    name: 'a refund of a part and a dispute about the rest, won',
    events: [
      paid,
      refund('refund.created', 0, 400, 'succeeded'),
      dispute('created', 'needs_response', 600),
      dispute('closed', 'won', 600),
    ],
    end: { order: 'PAID', grant: 'ACTIVE', posted: 0, dispute: 'WON REINSTATED', refunds: ['SUCCEEDED'] },
  },
  {
    name: 'a refund of a part and a dispute about the rest, lost',
    events: [
      paid,
      refund('refund.created', 0, 400, 'succeeded'),
      dispute('created', 'needs_response', 600),
      dispute('closed', 'lost', 600),
    ],
    end: { order: 'PAID', grant: 'REVOKED', posted: 0, dispute: 'LOST WITHDRAWN', refunds: ['SUCCEEDED'] },
  },
];

function* permutations<Item>(items: readonly Item[]): Generator<Item[]> {
  if (items.length <= 1) yield [...items];
  for (const [index, first] of items.entries()) {
    const rest = [...items.slice(0, index), ...items.slice(index + 1)];
    for (const tail of permutations(rest)) yield [first, ...tail];
  }
}

describe('Events of Stripe in any order, each of them twice', () => {
  let home: TestDatabase;
  let scene: ReconciliationScene;
  let clock: MovableClock;
  let versionId: string;
  let count = 0;

  beforeAll(async () => {
    home = await testDatabase();
    clock = new MovableClock('2026-11-23T10:00:00.000Z');
    scene = await ReconciliationScene.open(home.database, clock);
    versionId = await scene.newSubscription(100, 10);
    await home.rows('alter table balances disable trigger balances_begin_covered');
  });
  afterAll(async () => {
    await scene.close();
    await home.drop();
  });

  async function newPurchase(): Promise<Names> {
    const number = ++count;
    const [orderId, userId] = [newId(), newId()];
    const debt = number % 2 === 0 ? 700 : 0;
    await home.rows(`insert into balances (user_id, currency, posted, created_at, updated_at) values ($1, 'USD', $2, $3, $3)`, [
      userId,
      -debt,
      clock.now(),
    ]);
    await home.rows(
      `insert into orders (id, user_id, kind, status, amount, currency, version_id, created_at, expires_at, return_url, stripe_session_id)
       values ($1, $2, 'PURCHASE', 'OPEN', 1000, 'USD', $3, $4, $4, '', $5)`,
      [orderId, userId, versionId, clock.now(), `cs_${number}`],
    );
    const refunds = [`re_${number}_a`, `re_${number}_b`] as const;
    return { session: `cs_${number}`, payment: `pi_${number}`, refunds, dispute: `du_${number}`, orderId, debt };
  }

  async function settle(): Promise<void> {
    await scene.services.stripeInbox.idle();
    const unsettled = `select 1 from stripe_events where status = 'RECEIVED'`;
    for (let round = 0; round < 20 && (await home.rows(unsettled)).length > 0; round++) {
      clock.advanceMs(60_000);
      await scene.services.stripeInbox.processDue(1_000);
      await scene.services.stripeInbox.idle();
    }
  }

  async function endOf({ orderId, debt }: Names): Promise<object> {
    const [row] = await home.rows<{ end: object }>(
      `select jsonb_build_object(
         'order', o.status, 'grant', g.status, 'posted', b.posted + $2::bigint, 'held', b.held,
         'refunds', (select jsonb_agg(r.status order by r.amount) from refunds r where r.order_id = o.id),
         'dispute', (select d.outcome || ' ' || d.funds from disputes d where d.order_id = o.id),
         'disputed', (select d.amount from disputes d where d.order_id = o.id),
         'accounts', (select jsonb_object_agg(account, total) from (
           select t.counter_account as account, sum(t.amount) as total from transactions t where t.user_id = o.user_id group by 1) a),
         'events', (select jsonb_agg(distinct e.status) from stripe_events e
           where e.payload #>> '{data,object,payment_intent}' = o.stripe_payment_intent_id)
       ) as end
       from orders o left join grants g on g.order_id = o.id left join balances b on b.user_id = o.user_id where o.id = $1`,
      [orderId, debt],
    );
    return row?.end ?? {};
  }

  /** Delivers one after the other, each of them twice. */
  async function deliverInTurn(events: readonly Stripe.Event[]): Promise<void> {
    for (const event of events) {
      const stored = await scene.services.stripeInbox.store(event);
      if (stored) await scene.services.stripeInbox.process(stored.id);
      expect(await scene.services.stripeInbox.store(event)).toBeNull();
      if (stored) await scene.services.stripeInbox.process(stored.id);
    }
  }

  test.each(scenarios)(
    '$name: one outcome',
    async ({ events, end }) => {
      const delivered: { order: string; names: Names }[] = [];
      const orders = permutations(events.map((_, index) => index));
      const deliverAll = async () => {
        for (const order of orders) {
          const names = await newPurchase();
          delivered.push({ order: order.join(' '), names });
          await deliverInTurn(order.map((index) => events[index]?.(names) as Stripe.Event));
        }
      };
      await Promise.all(Array.from({ length: 4 }, deliverAll));
      await settle();
      const ends = new Map<string, string>();
      for (const { order, names } of delivered) ends.set(JSON.stringify(await endOf(names)), order);
      expect([...ends].map(([outcome, order]) => ({ order, ...JSON.parse(outcome) }))).toEqual([expect.objectContaining(end)]);
    },
    180_000,
  );

  test.each(scenarios)('$name: one outcome when all come at the same time', async ({ events, end }) => {
    const ends = new Set<string>();
    for (let round = 0; round < 10; round++) {
      const names = await newPurchase();
      const made = events.map((event) => event(names));
      await Promise.all([...made, ...made].map((event) => deliver(scene.services.stripeInbox, event, clock)));
      await settle();
      ends.add(JSON.stringify(await endOf(names)));
    }
    expect([...ends].map((outcome) => JSON.parse(outcome))).toEqual([expect.objectContaining(end)]);
  });
});
