import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Caller } from '../../src/services/caller.js';
import { newId } from '../../src/services/ids.js';
import { CardShop } from '../support/card-shop.js';
import { beginJournalAgain } from '../support/damage.js';
import { aKey } from '../support/shop.js';

const HOUR_MS = 60 * 60 * 1_000;

let shop: CardShop;
let viewer: Caller & { userId: string };
/** What the balance had posted at each instant, from the last change up to then. */
const past: { at: Date; posted: number }[] = [];

/** Changes something, an hour after the last change. */
async function then(change: () => Promise<unknown>): Promise<void> {
  shop.clock.advanceMs(HOUR_MS);
  await change();
  past.push({ at: shop.clock.now(), posted: Number((await shop.balance(viewer)).posted) });
}

async function liveOn(): Promise<void> {
  const { desk } = shop;
  const plan = await desk.putOnSale(10, 10);
  await then(() => shop.topUp(viewer, 1_000));
  await then(() => shop.buy(viewer, plan));
  // Held, and then captured: the hold alone changes nothing that is posted.
  await then(async () => {
    const order = await shop.buyByCard(viewer, plan);
    shop.sandbox.control.addFault({ kind: 'refund_pending', count: 1 });
    const { id } = await shop.grantOf(order);
    await desk.refunds.refundGrant(viewer, { grantId: id, idempotencyKey: aKey() });
  });
  // Nothing of the balance changes.
  await then(() => desk.purchases.topUp(viewer, { amount: 700, currency: 'USD', idempotencyKey: aKey() }));
  await then(() => shop.buy(viewer, plan));
}

beforeAll(async () => {
  shop = await CardShop.open();
  viewer = await shop.viewer();
  await liveOn();
});
afterAll(() => shop.close());

const postedAt = (times: readonly Date[]) =>
  shop.desk.accounts.balances.postedAt(times.map((time) => ({ userId: viewer.userId, time })));
const before = ({ at }: { at: Date }) => new Date(at.getTime() - 1);

/** At each change, and the millisecond before it. */
async function expectThePast(): Promise<void> {
  expect(await postedAt(past.map(({ at }) => at))).toEqual(past.map(({ posted }) => posted));
  expect(await postedAt(past.map(before))).toEqual(past.map((_, index) => past[index - 1]?.posted ?? 0));
}

describe('The balance at an instant', () => {
  test('is what the last change up to then left, and zero before the first one', async () => {
    expect(new Set(past.map(({ posted }) => posted)).size).toBeGreaterThan(3);
    await expectThePast();
    expect(await postedAt([new Date(0), new Date('2100-01-01')])).toEqual([0, past.at(-1)?.posted]);
  });

  test('is zero for a viewer who never had one, beside others', async () => {
    const time = past.at(-1)?.at as Date;
    const asked = [newId(), viewer.userId, newId()].map((userId) => ({ userId, time }));
    expect(await shop.desk.accounts.balances.postedAt(asked)).toEqual([0, past.at(-1)?.posted, 0]);
  });

  test('is the same for a viewer from before the journal, before and after it was begun', async () => {
    shop.clock.advanceMs(HOUR_MS);
    await beginJournalAgain(shop.db, viewer.userId);
    await expectThePast();
    await liveOn();
    await expectThePast();
    expect(past).toHaveLength(10);
  });
});
