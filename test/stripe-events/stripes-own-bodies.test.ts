import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type Stripe from 'stripe';
import { newId } from '../../src/services/ids.js';
import type { StripeInbox } from '../../src/services/stripe-events/stripe-inbox.js';
import { ReconciliationScene } from '../reconciliation/reconciliation-scene.js';
import { randomNumbers } from '../soak/stories.js';
import { MovableClock } from '../support/movable-clock.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import { deliver, newInbox } from './scene.js';

const directory = fileURLToPath(new URL('./events/', import.meta.url));
const files = readdirSync(directory).filter((name) => name.endsWith('.json'));
const texts = new Map(files.map((name) => [name.replace(/\.json$/, ''), readFileSync(`${directory}${name}`, 'utf8')]));

/** Also sent by Stripe, but without effect. */
const noise = [...texts.keys()].filter((name) => /^(product|price|customer|payment_intent)\./.test(name));
const paid = ['checkout.session.completed', 'charge.succeeded'];
const refunded = ['refund.created', 'charge.refunded.partial', 'charge.refunded', 'refund.updated', 'charge.refund.updated'];
const disputed = ['charge.dispute.created', 'charge.dispute.funds_withdrawn', 'charge.dispute.updated'];

const stories: { name: string; letter: string; events: string[]; refund?: string; end: object }[] = [
  { name: 'paid by card', letter: 'A', events: [...paid, ...noise], end: { order: 'PAID', grant: 'ACTIVE', posted: 0 } },
  {
    name: 'paid by debit',
    letter: 'B',
    events: ['checkout.session.completed.unpaid', 'checkout.session.async_payment_succeeded', 'payment_intent.processing'],
    end: { order: 'PAID', grant: 'ACTIVE', posted: 0 },
  },
  {
    name: 'a debit that failed',
    letter: 'C',
    events: ['checkout.session.async_payment_failed', 'charge.failed'],
    end: { order: 'FAILED', grant: null },
  },
  { name: 'left alone', letter: 'D', events: ['checkout.session.expired'], end: { order: 'EXPIRED', grant: null } },
  {
    name: 'with a discount of everything',
    letter: 'E',
    events: ['checkout.session.completed.free'],
    end: { order: 'PAID', grant: 'ACTIVE', posted: 0 },
  },
  {
    name: 'refunded in the dashboard',
    letter: 'A',
    events: [...paid, ...refunded],
    refund: 'refund.updated',
    end: { order: 'PAID', grant: 'REFUNDED', posted: 0, refunds: ['SUCCEEDED'] },
  },
  {
    name: 'refunded in the dashboard, and the card did not take it',
    letter: 'A',
    events: [...paid, ...refunded, 'refund.failed', 'charge.updated.refund_failed'],
    refund: 'refund.failed',
    end: { order: 'PAID', posted: 1_000, refunds: ['FAILED'] },
  },
  {
    name: 'disputed and won',
    letter: 'A',
    events: [...paid, ...disputed, 'charge.dispute.closed.won', 'charge.dispute.funds_reinstated'],
    end: { order: 'PAID', grant: 'ACTIVE', posted: 0, dispute: 'WON REINSTATED' },
  },
  {
    name: 'disputed and lost',
    letter: 'A',
    events: [...paid, ...disputed, 'charge.dispute.closed'],
    end: { order: 'PAID', grant: 'REVOKED', posted: 0, dispute: 'LOST WITHDRAWN' },
  },
];

const ROUNDS = 8;
const random = randomNumbers(1);
const shuffled = <Item>(items: readonly Item[]): Item[] =>
  items
    .map((item) => ({ item, rank: random() }))
    .sort((one, other) => one.rank - other.rank)
    .map(({ item }) => item);

describe("Events as Stripe's own fixtures have them, in any order, doubled, one by one or all at once", () => {
  let home: TestDatabase;
  let scene: ReconciliationScene;
  let inbox: StripeInbox;
  let versionId: string;
  let count = 0;
  const clock = new MovableClock('2026-11-23T10:00:00.000Z');
  const refunds = new Map<string, Stripe.Refund>();

  beforeAll(async () => {
    home = await testDatabase();
    scene = await ReconciliationScene.open(home.database, clock);
    const refundsOf = (payment: string) => [refunds.get(payment)].filter((refund) => refund !== undefined);
    inbox = newInbox({ database: home.database, clock, refundsOf, environment: { STRIPE_EVENT_ATTEMPTS_COUNT: '12' } });
    versionId = await scene.newSubscription(100, 10);
  });
  afterAll(async () => {
    await inbox.close();
    await scene.close();
    await home.drop();
  });

  /** An order, and the story's events with its ids in the place of the fixtures'. */
  async function newOrder({ letter, events, refund }: (typeof stories)[number]) {
    const number = ++count;
    const orderId = newId();
    const body = (name: string) =>
      (texts.get(name) as string)
        .replace(/\b(cs_test|pi|ch|re|du|txn)_Kit/g, `$1_${number}_`)
        .replaceAll('"evt_Kit', `"evt_${number}_`)
        .replaceAll(`"order_${letter}"`, `"${orderId}"`);
    await home.rows(
      `insert into orders (id, user_id, kind, status, amount, currency, version_id, created_at, expires_at, return_url, stripe_session_id)
       values ($1, $2, 'PURCHASE', 'OPEN', 1000, 'USD', $3, $4, $4, '', $5)`,
      [orderId, newId(), versionId, clock.now(), `cs_test_${number}_${letter}`],
    );
    if (refund) refunds.set(`pi_${number}_${letter}`, JSON.parse(body(refund)).data.object);
    return { orderId, events: events.map((name) => JSON.parse(body(name)) as Stripe.Event) };
  }

  async function settle(): Promise<void> {
    await inbox.idle();
    const unsettled = `select 1 from stripe_events where status = 'RECEIVED'`;
    for (let round = 0; round < 20 && (await home.rows(unsettled)).length > 0; round++) {
      clock.advanceMs(60_000);
      await inbox.processDue(1_000);
      await inbox.idle();
    }
  }

  async function endOf(orderId: string): Promise<object> {
    const [row] = await home.rows<{ end: object }>(
      `select jsonb_build_object(
         'order', o.status, 'grant', g.status, 'posted', b.posted, 'held', b.held,
         'refunds', (select jsonb_agg(r.status) from refunds r where r.order_id = o.id),
         'dispute', (select d.outcome || ' ' || d.funds from disputes d where d.order_id = o.id),
         'moved', (select sum(t.amount) from transactions t where t.user_id = o.user_id and t.counter_account = 'STRIPE')
       ) as end
       from orders o left join grants g on g.order_id = o.id left join balances b on b.user_id = o.user_id where o.id = $1`,
      [orderId],
    );
    return row?.end ?? {};
  }

  test.each(stories)('$name: one outcome', async (story) => {
    const ends = new Set<string>();
    for (let round = 0; round < ROUNDS; round++) {
      const { orderId, events } = await newOrder(story);
      const delivered = shuffled([...events, ...events]);
      if (round % 2 === 0) await Promise.all(delivered.map((event) => deliver(inbox, event, clock)));
      else for (const event of delivered) await deliver(inbox, event, clock);
      await settle();
      ends.add(JSON.stringify(await endOf(orderId)));
    }
    expect([...ends].map((end) => JSON.parse(end))).toEqual([expect.objectContaining(story.end)]);
    expect(await home.rows(`select type, last_error from stripe_events where status in ('FAILED', 'RECEIVED')`)).toEqual([]);
  });

  test('every body was delivered', () => {
    const delivered = new Set(stories.flatMap(({ events }) => events));
    expect([...texts.keys()].filter((name) => !delivered.has(name))).toEqual([]);
  });
});
