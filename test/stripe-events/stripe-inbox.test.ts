import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import Fastify from 'fastify';
import pg from 'pg';
import type Stripe from 'stripe';
import StripeClient from 'stripe';
import { stripeWebhook } from '../../src/gateway/http/stripe-webhook.js';
import { newId } from '../../src/services/ids.js';
import type { StripeInbox } from '../../src/services/stripe-events/stripe-inbox.js';
import { PaymentNotFulfilledYet } from '../../src/services/stripe-events/stripe-objects.js';
import { Database } from '../../src/stores/database.js';
import { MovableClock } from '../support/movable-clock.js';
import { ADMIN } from '../support/shop.js';
import { emptying, type TestDatabase, testDatabase } from '../support/test-database.js';
import { testServices, WEBHOOK_SECRET } from '../support/test-services.js';
import { deliver, newEvent, newInbox, RecordingEffects, storedEvents } from './scene.js';

describe('The inbox for events of Stripe', () => {
  let home: TestDatabase;
  let database: Database;
  let clock: MovableClock;
  let effects: RecordingEffects;
  let inbox: StripeInbox;

  beforeAll(async () => {
    home = await testDatabase();
    database = home.database;
    await RecordingEffects.prepare(database);
  });
  beforeEach(async () => {
    await database.pool.query(emptying(['stripe_events', 'applied_objects', 'orders']));
    clock = new MovableClock('2026-11-23T10:00:00.000Z');
    effects = new RecordingEffects(database);
    inbox = newInbox({ database, effects, clock });
  });
  afterEach(() => inbox.close());
  afterAll(() => home.drop());

  async function arrive(event: Stripe.Event): Promise<void> {
    await deliver(inbox, event, clock);
    await inbox.idle();
  }
  const only = async () => {
    const events = await storedEvents(database);
    expect(events).toHaveLength(1);
    return events[0] as (typeof events)[number];
  };

  test('keeps an event as it came and applies it at once', async () => {
    const event = newEvent('refund.created', { id: 're_1', metadata: { note: 'ä "quoted" \\u0000' } });
    await arrive(event);
    expect(await only()).toMatchObject({
      status: 'PROCESSED',
      attempts: 1,
      lastError: null,
      processedAt: clock.now(),
      payload: event,
    });
    expect(await effects.applied()).toEqual(['re_1']);
  });

  test.each([
    ['checkout.session.completed', null],
    ['checkout.session.async_payment_failed', 'ASYNC_PAYMENT_FAILED'],
  ])('%s comes with the news that only its type carries: %s', async (type, news) => {
    await arrive(newEvent(type, { id: 'cs_1' }));
    expect(await effects.newsOf('cs_1')).toBe(news);
  });

  test('stores and applies one event once, however often and from however many sides it comes', async () => {
    const second = newInbox({ database, effects, clock });
    const event = newEvent('refund.created', { id: 're_1' });
    const receipts = await Promise.all(
      Array.from({ length: 20 }, (_, index) => deliver(index % 2 ? inbox : second, event, clock)),
    );
    await Promise.all([inbox.idle(), second.close()]);
    expect(receipts.filter((receipt) => receipt.outcome === 'STORED')).toHaveLength(1);
    expect(await effects.applied()).toEqual(['re_1']);
    expect((await only()).status).toBe('PROCESSED');
  });

  test('two processes that take up the same event at once apply it once', async () => {
    const second = newInbox({ database, effects, clock });
    let release = () => {};
    const started = new Promise<void>((resolve) => {
      effects.outcome = () => {
        resolve();
        return new Promise((done) => {
          release = () => done('APPLIED');
        });
      };
    });
    const stored = await inbox.store(newEvent('refund.created', { id: 're_1' }));
    const first = inbox.process(stored?.id ?? '');
    await started;
    expect(await second.process(stored?.id ?? '')).toBe('SKIPPED');
    expect(await second.processDue(10)).toBe(0);
    release();
    expect(await first).toBe('PROCESSED');
    expect(await second.process(stored?.id ?? '')).toBe('SKIPPED');
    expect(await effects.applied()).toEqual(['re_1']);
  });

  test('keeps unknown types as ignored and applies nothing', async () => {
    await arrive(newEvent('customer.created', { id: 'cus_1' }));
    expect(await only()).toMatchObject({
      status: 'IGNORED',
      nextAttemptAt: null,
      lastError: expect.stringContaining('customer.created'),
    });
  });

  test('marks as ignored what is not of an order of ours', async () => {
    effects.outcome = async () => 'NOT_OURS';
    await arrive(newEvent('checkout.session.completed', { id: 'cs_other' }));
    expect(await only()).toMatchObject({ status: 'IGNORED', attempts: 1, lastError: 'It does not belong to any of our orders.' });
  });

  test('stores what Postgres could not keep as it came', async () => {
    await arrive(newEvent('refund.created', { id: 're_1', metadata: { note: 'a\0b' } }));
    expect((await only()).payload).toMatchObject({ data: { object: { metadata: { note: 'ab' } } } });
  });

  describe('when an effect fails', () => {
    beforeEach(() => {
      effects.outcome = () => Promise.reject(new Error('no luck with sk_test_abc'));
    });

    test('nothing of it stays; the event says why, without secrets, and waits with jitter', async () => {
      await arrive(newEvent('refund.created', { id: 're_1' }));
      const event = await only();
      expect(event).toMatchObject({ status: 'RECEIVED', attempts: 1, lastError: 'no luck with [redacted]', processedAt: null });
      const waitMs = (event.nextAttemptAt?.getTime() ?? 0) - clock.now().getTime();
      expect(waitMs).toBeGreaterThanOrEqual(500);
      expect(waitMs).toBeLessThanOrEqual(1_000);
      expect(await effects.applied()).toEqual([]);
    });

    test('it is tried again when it is due, not before', async () => {
      await arrive(newEvent('refund.created', { id: 're_1' }));
      effects.outcome = async () => 'APPLIED';
      expect(await inbox.processDue(10)).toBe(0);
      clock.advanceMs(1_000);
      expect(await inbox.processDue(10)).toBe(1);
      expect(await only()).toMatchObject({ status: 'PROCESSED', attempts: 2, lastError: null, nextAttemptAt: null });
    });

    test('it is FAILED after the last attempt, until an admin has it tried again', async () => {
      await arrive(newEvent('refund.created', { id: 're_1' }));
      for (let attempt = 2; attempt <= 3; attempt++) {
        clock.advanceMs(60_000);
        expect(await inbox.processDue(10)).toBe(1);
      }
      const failed = await only();
      expect(failed).toMatchObject({ status: 'FAILED', attempts: 3, nextAttemptAt: null });
      clock.advanceMs(86_400_000);
      expect(await inbox.processDue(10)).toBe(0);

      effects.outcome = async () => 'APPLIED';
      const { stripeEvent, errors } = await inbox.replay(ADMIN, failed.id);
      expect({ status: stripeEvent?.status, errors }).toEqual({ status: 'PROCESSED', errors: [] });
      expect(await effects.applied()).toEqual(['re_1']);
    });

    test('one bad event does not hold up the others', async () => {
      effects.outcome = async (id) => {
        if (id === 're_bad') throw new Error('bad');
        return 'APPLIED';
      };
      for (const id of ['re_bad', 're_1', 're_2', 're_3']) await inbox.store(newEvent('refund.created', { id }));
      expect(await inbox.processDue(100)).toBe(4);
      expect(await effects.applied()).toEqual(['re_1', 're_2', 're_3']);
    });
  });

  describe('when a refund comes before its payment', () => {
    const refund = { id: 're_1', payment_intent: 'pi_1' };
    beforeEach(() => {
      effects.outcome = () => Promise.reject(new PaymentNotFulfilledYet('pi_1'));
    });

    test('it waits, and continues when the fulfilment wakes it', async () => {
      await arrive(newEvent('refund.created', refund));
      expect(await only()).toMatchObject({ status: 'RECEIVED', waitsForPaymentIntentId: 'pi_1' });
      effects.outcome = async () => 'APPLIED';
      inbox.retryWaitingEvents('pi_1');
      await inbox.idle();
      expect(await only()).toMatchObject({ status: 'PROCESSED', waitsForPaymentIntentId: null });
    });

    test('it is ignored in the end when no order of ours is behind the payment', async () => {
      await arrive(newEvent('refund.created', refund));
      for (let attempt = 2; attempt <= 3; attempt++) {
        clock.advanceMs(60_000);
        await inbox.processDue(10);
      }
      expect(await only()).toMatchObject({ status: 'IGNORED', lastError: 'None of our orders has the payment pi_1.' });
      // Paid days later: the abandoned event is processed again.
      effects.outcome = async () => 'APPLIED';
      await inbox.processWaiting('pi_1');
      expect((await only()).status).toBe('PROCESSED');
    });

    test('it is FAILED in the end when an order of ours is named', async () => {
      const orderId = newId();
      await database.pool.query(
        `insert into orders (id, user_id, kind, status, amount, currency, created_at, expires_at, return_url)
         values ($1, $2, 'TOP_UP', 'OPEN', 1000, 'USD', $3, $3, 'http://localhost')`,
        [orderId, newId(), clock.now()],
      );
      await arrive(newEvent('refund.created', { ...refund, metadata: { order_id: orderId } }));
      for (let attempt = 2; attempt <= 3; attempt++) {
        clock.advanceMs(60_000);
        await inbox.processDue(10);
      }
      expect((await only()).status).toBe('FAILED');
    });

    test('it is due at once when the payment was fulfilled in the meantime', async () => {
      await database.pool.query(
        `insert into orders (id, user_id, kind, status, amount, currency, created_at, expires_at, return_url, paid_at,
           captured_amount, stripe_payment_intent_id)
         values ($1, $2, 'TOP_UP', 'PAID', 1000, 'USD', $3, $3, 'http://localhost', $3, 1000, 'pi_1')`,
        [newId(), newId(), clock.now()],
      );
      await arrive(newEvent('refund.created', refund));
      expect((await only()).nextAttemptAt).toEqual(clock.now());
    });
  });

  describe('charge.refunded', () => {
    const event = () => newEvent('charge.refunded', { id: 'ch_1', payment_intent: 'pi_1' });

    test('applies each refund of the payment as Stripe has it', async () => {
      const refundsOf = (id: string) => (id === 'pi_1' ? ([{ id: 're_2' }, { id: 're_1' }] as Stripe.Refund[]) : []);
      inbox = newInbox({ database, effects, clock, refundsOf });
      await arrive(event());
      expect(await effects.applied()).toEqual(['re_1', 're_2']);
    });

    test('is ignored when Stripe does not know the payment', async () => {
      const refundsOf = (): Stripe.Refund[] => {
        throw new StripeClient.errors.StripeInvalidRequestError({ type: 'invalid_request_error', code: 'resource_missing' });
      };
      inbox = newInbox({ database, effects, clock, refundsOf });
      await arrive(event());
      expect((await only()).status).toBe('IGNORED');
    });

    test('is tried again when Stripe cannot be reached', async () => {
      const refundsOf = (): Stripe.Refund[] => {
        throw new StripeClient.errors.StripeConnectionError({ message: 'connection lost', type: 'api_error' });
      };
      inbox = newInbox({ database, effects, clock, refundsOf });
      await arrive(event());
      expect(await only()).toMatchObject({
        status: 'RECEIVED',
        attempts: 1,
        lastError: expect.stringContaining('connection lost'),
      });
    });
  });

  describe('a replay', () => {
    test('of what there is not: NOT_FOUND', async () => {
      for (const id of [newId(), 'nonsense'])
        expect((await inbox.replay(ADMIN, id)).errors).toMatchObject([{ code: 'NOT_FOUND' }]);
    });

    test('of an event that is not for us changes nothing', async () => {
      await arrive({ ...newEvent('refund.created', { id: 're_1' }), livemode: true } as Stripe.Event);
      const { errors } = await inbox.replay(ADMIN, (await only()).id);
      expect(errors).toMatchObject([{ code: 'WRONG_STATE', state: 'IGNORED' }]);
      expect((await only()).status).toBe('IGNORED');
      expect(await effects.applied()).toEqual([]);
    });
  });

  test('admins page through it, newest first, by status if they want', async () => {
    for (let index = 0; index < 5; index++) {
      clock.advanceMs(1_000);
      await arrive(newEvent(index % 2 ? 'customer.created' : 'refund.created', { id: `re_${index}` }, `evt_page_${index}`));
    }
    const { stripeInbox: reads } = testServices({ database, clock });
    const first = await reads.page({ first: 3 });
    const second = await reads.page({ first: 3, after: first.pageInfo.endCursor });
    const names = [...first.nodes, ...second.nodes].map((event) => event.stripeId);
    expect(names).toEqual([4, 3, 2, 1, 0].map((index) => `evt_page_${index}`));
    expect([first.pageInfo.hasNextPage, second.pageInfo.hasNextPage]).toEqual([true, false]);
    expect((await reads.page({ first: 10, status: 'IGNORED' })).nodes).toHaveLength(2);
    expect(await reads.byIds([first.nodes[0]?.id ?? ''])).toHaveLength(1);
    await expect(reads.page({ first: 101 })).rejects.toThrow('first');
    await expect(reads.page({ first: 1, after: 'x' })).rejects.toThrow('after');
  });

  test('never says 200 to Stripe without having stored the event', async () => {
    const away = new Database({
      url: 'postgres://localhost:1/none',
      poolSize: 1,
      statementTimeoutMs: 100,
      connectionTimeoutMs: 500,
    });
    const server = Fastify();
    await server.register(stripeWebhook, { inbox: newInbox({ database: away, effects, clock }), bodyLimitBytes: 100_000 });
    const payload = JSON.stringify(newEvent('refund.created', { id: 're_1' }));
    const timestamp = Math.floor(clock.now().getTime() / 1000);
    const signature = StripeClient.webhooks.generateTestHeaderString({ payload, secret: WEBHOOK_SECRET, timestamp });
    const headers = { 'content-type': 'application/json', 'stripe-signature': signature };
    const response = await server.inject({ method: 'POST', url: '/webhooks/stripe', payload, headers });
    expect(response.statusCode).toBe(503);
    await Promise.all([server.close(), away.close()]);
  });

  test('while the database goes away and comes back, answers 200 to nothing that is not stored', async () => {
    const server = Fastify();
    inbox = newInbox({ database, effects, clock, onError: () => {} });
    await server.register(stripeWebhook, { inbox, bodyLimitBytes: 100_000 });
    const outside = new pg.Client({ connectionString: home.url.replace(/[^/]+$/, 'postgres') });
    await outside.connect();
    const name = new URL(home.url).pathname.slice(1);
    const answers = new Map<string, number>();
    const send = async (id: string) => {
      const payload = JSON.stringify(newEvent('refund.created', { id: `re_${id}` }, id));
      const timestamp = Math.floor(clock.now().getTime() / 1000);
      const signature = StripeClient.webhooks.generateTestHeaderString({ payload, secret: WEBHOOK_SECRET, timestamp });
      const headers = { 'content-type': 'application/json', 'stripe-signature': signature };
      answers.set(id, (await server.inject({ method: 'POST', url: '/webhooks/stripe', payload, headers })).statusCode);
    };
    const batch = (round: number) => Promise.all(Array.from({ length: 20 }, (_, index) => send(`evt_${round}_${index}`)));
    await batch(1);
    await outside.query(`alter database ${name} allow_connections false`);
    await outside.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
    await batch(2);
    await outside.query(`alter database ${name} allow_connections true`);
    const third = batch(3);
    await outside.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
    await third;
    await outside.end();
    await batch(4);
    const kept = new Set((await home.rows<{ id: string }>('select stripe_id as id from stripe_events')).map(({ id }) => id));
    for (const [id, status] of answers) {
      expect([200, 503]).toContain(status);
      if (status === 200) expect(kept).toContain(id);
    }
    expect([...answers].filter(([id, status]) => id.startsWith('evt_2_') && status === 200)).toEqual([]);
    expect([...answers].filter(([id, status]) => id.startsWith('evt_4_') && status === 200)).toHaveLength(20);
    await inbox.idle();
    await server.close();
  });

  test.each(['55P03', '57014', '53100', '25006', '57P01', '40001'])(
    "the database's own trouble (%s) counts as no attempt, however often it comes, and the event is applied afterwards",
    async (code) => {
      inbox = newInbox({ database, effects, clock });
      effects.outcome = async () => {
        throw Object.assign(new pg.DatabaseError('no', 2, 'error'), { code });
      };
      await deliver(inbox, newEvent('refund.created', { id: 're_1' }), clock);
      await inbox.idle();
      // More often than an event is tried (3 times here).
      for (let count = 0; count < 5; count++) {
        clock.advanceMs(60_000);
        await inbox.processDue(10);
      }
      const columns = 'status, attempts, last_error as "lastError" from stripe_events';
      expect(await home.rows(`select ${columns}`)).toEqual([{ status: 'RECEIVED', attempts: 0, lastError: null }]);
      effects.outcome = async () => 'APPLIED';
      clock.advanceMs(60_000);
      await inbox.processDue(10);
      expect(await home.rows('select status from stripe_events')).toEqual([{ status: 'PROCESSED' }]);
      expect(await effects.applied()).toEqual(['re_1']);
    },
  );

  test('what the memory has no room for is left to the job', async () => {
    inbox = newInbox({ database, effects, clock, environment: { JOB_CONCURRENCY_COUNT: '1', STRIPE_EVENT_QUEUE_COUNT: '1' } });
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    effects.outcome = async () => {
      await gate;
      return 'APPLIED';
    };
    for (let index = 0; index < 6; index++) await deliver(inbox, newEvent('refund.created', { id: `re_${index}` }), clock);
    release();
    await inbox.idle();
    expect((await effects.applied()).length).toBeLessThan(6);
    await inbox.processDue(100);
    expect(await effects.applied()).toHaveLength(6);
  });
});
