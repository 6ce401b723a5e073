import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { BuyFromBalanceMutation, FollowBalanceSubscription, OnSaleQuery, PurchaseInput } from './generated/graphql.js';
import { line, socket } from './session.js';

type Plan = OnSaleQuery['subscriptions']['nodes'][number];
type Change = FollowBalanceSubscription['balanceChanged'];

/** What a client has to be able to do for the story. */
export interface Front {
  onSale(): Promise<OnSaleQuery>;
  buy(input: PurchaseInput): Promise<BuyFromBalanceMutation>;
  /** Answers with what ends it. */
  follow(seen: (change: Change) => void, failed: (error: unknown) => void): () => void;
}

const DEADLINE_MS = 20_000;

/** Buys while watching the balance, loses the line, buys again, and checks that nothing is missing and nothing comes twice. */
export async function tellTheStory(front: Front): Promise<void> {
  const changes: Change[] = [];
  const faults: unknown[] = [];
  const stopFollowing = front.follow(
    (change) => {
      changes.push(change);
      console.log(`live: version ${change.balance.version}, ${change.balance.available.amount} available`);
    },
    (error) => faults.push(error),
  );
  const seen = (count: number) => until(() => changes.length >= count || faults.length > 0, `${count} changes, live`);
  await seen(1);

  const { nodes: plans } = (await front.onSale()).subscriptions;
  const plan = plans.reduce((cheapest, next) => (next.price.amount < cheapest.price.amount ? next : cheapest));
  await buy(front, plan);
  await seen(2);

  console.log('the line is cut');
  line.cut();
  await buy(front, plan);
  assert.equal(line.connections, 1, 'the second purchase was made while the line was down');
  await seen(3);

  stopFollowing();
  await socket.dispose();
  assert.deepEqual(faults, [], 'the live operation outlived its socket');
  assert.equal(line.connections, 2, 'the line was made anew once');
  assertNoGap(changes, plan);
  console.log('nothing is missing, nothing came twice');
}

async function buy(front: Front, { id, title, price }: Plan): Promise<void> {
  const { purchase } = await front.buy({ subscriptionId: id, payWith: 'BALANCE', idempotencyKey: crypto.randomUUID() });
  // Expected failures are data, each with its own fields.
  for (const error of purchase.errors) {
    if (error.__typename === 'InsufficientFunds')
      throw new Error(`${error.shortfall.amount} ${error.shortfall.currency} are missing: top up on the demo page first.`);
    throw new Error(error.message);
  }
  assert.equal(purchase.grant?.status, 'ACTIVE');
  console.log(`bought: ${title} for ${price.amount} ${price.currency}, until ${purchase.grant.availableUntil}`);
}

/** Each change is the next version of the balance, and each purchase took its price. */
function assertNoGap([first, ...later]: Change[], plan: Plan): void {
  assert.ok(first);
  const versions = later.map(({ balance }) => balance.version - first.balance.version);
  assert.deepEqual(versions, [1, 2], 'versions without a gap');
  const spent = later.map(({ balance }) => first.balance.available.amount - balance.available.amount);
  assert.deepEqual(spent, [plan.price.amount, 2 * plan.price.amount], 'amounts to the cent');
  for (const { transaction } of later) assert.equal(transaction?.amount.amount, -plan.price.amount);
}

async function until(condition: () => boolean, words: string): Promise<void> {
  for (const deadline = Date.now() + DEADLINE_MS; !condition(); await pause(20))
    if (Date.now() > deadline) throw new Error(`never came: ${words}`);
}
