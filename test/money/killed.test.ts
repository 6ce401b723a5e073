import { spawn } from 'node:child_process';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Order } from '../../src/entities/order.js';
import type { Caller } from '../../src/services/caller.js';
import type { Offer } from '../../src/services/purchases/offer.js';
import { PAYOUT_LEASE_MS } from '../../src/services/refunds/payout.js';
import { aKey, Shop } from '../support/shop.js';
import { until } from '../support/until.js';

type Task = { do: 'refundGrant'; input: { grantId: string; idempotencyKey: string } } | { do: 'look'; orderId: string };
const MOST_STEPS = 60;

describe('a process that is killed at any step', () => {
  let shop: Shop;
  let offer: Offer;
  beforeAll(async () => {
    shop = await Shop.open();
    offer = await shop.desk.putOnSale(100, 10);
  });
  afterAll(() => shop.close());

  /** True when it was killed at that step; false when it came to its end before. */
  function killedAt(step: number, when: 'before' | 'after', caller: Caller, task: Task): Promise<boolean> {
    const given = { databaseUrl: shop.db.url, stripeUrl: shop.sandbox.url, now: shop.clock.now(), caller, task, step, when };
    const script = path.resolve('test/support/killed-at.mjs');
    const { NODE_OPTIONS: _, ...env } = process.env;
    const child = spawn(process.execPath, [script, JSON.stringify(given)], { env, stdio: ['ignore', 'ignore', 'pipe'] });
    let words = '';
    child.stderr.on('data', (chunk) => {
      words += chunk;
    });
    return new Promise((resolve, reject) => {
      child.on('exit', (code, signal) => {
        if (signal === 'SIGKILL') resolve(true);
        else if (code === 0) resolve(false);
        else reject(new Error(words));
      });
    });
  }

  /** Kills at every step there is; gives back at how many. */
  async function atEveryStep(when: 'before' | 'after', once: (step: number) => Promise<boolean>): Promise<number> {
    for (let step = 1; step <= MOST_STEPS; step++) if (!(await once(step))) return step - 1;
    throw new Error(`more than ${MOST_STEPS} steps ${when}`);
  }

  async function paidButNotFulfilled(viewer: Caller): Promise<Order> {
    const { order } = await shop.desk.purchases.purchase(viewer, {
      subscriptionId: offer.subscriptionId,
      payWith: 'CARD',
      idempotencyKey: aKey(),
    });
    shop.sandbox.control.pay(order?.stripeSessionId as string, { card: '4242424242424242' });
    return order as Order;
  }

  test.each(['before', 'after'] as const)(
    '%s any step of a fulfilment: the next look leaves exactly one grant',
    async (when) => {
      const points = await atEveryStep(when, async (step) => {
        const viewer = await shop.viewer();
        const order = await paidButNotFulfilled(viewer);
        const killed = await killedAt(step, when, viewer, { do: 'look', orderId: order.id });
        expect((await shop.desk.purchases.look(viewer, order.id))?.status).toBe('PAID');
        expect(await shop.db.rows('select 1 from grants where user_id = $1', [viewer.userId])).toHaveLength(1);
        expect(await shop.balance(viewer)).toMatchObject({ posted: 0, held: 0, version: 2 });
        return killed;
      });
      expect(points).toBeGreaterThanOrEqual(6);
      expect(await shop.discrepancies()).toEqual([]);
    },
    180_000,
  );

  test.each(['before', 'after'] as const)(
    '%s any step of a payout: the money ends right, with one refund at Stripe',
    async (when) => {
      const points = await atEveryStep(when, async (step) => {
        const viewer = await shop.viewer();
        const order = await shop.buyByCard(viewer, offer);
        const input = { grantId: (await shop.grantOf(order)).id, idempotencyKey: aKey() };
        const killed = await killedAt(step, when, viewer, { do: 'refundGrant', input });
        shop.clock.advanceMs(PAYOUT_LEASE_MS + 1);
        // The job comes by and the client asks again, with its key. Postgres may not have noticed yet that the process is dead: what
        // that still holds is passed over, and taken up the next time.
        await until(async () => {
          await shop.desk.refunds.resumeDue(10);
          const { refund, errors } = await shop.desk.refunds.refundGrant(viewer, input);
          expect(errors).toEqual([]);
          return refund?.status === 'SUCCEEDED';
        });
        expect(await shop.balance(viewer)).toMatchObject({ posted: 0, held: 0 });
        expect(await shop.refundedAtStripe(order)).toBe(900);
        return killed;
      });
      expect(points).toBeGreaterThanOrEqual(12);
      expect(await shop.discrepancies()).toEqual([]);
    },
    240_000,
  );
});
