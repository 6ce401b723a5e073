import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { BuyFromBalanceMutation, FollowBalanceSubscription, OnSaleQuery, PurchaseInput } from './generated/graphql.js';
import { connection, socket } from './session.js';

type Plan = OnSaleQuery['subscriptions']['nodes'][number];
type Change = FollowBalanceSubscription['balanceChanged'];

/** What the story needs from a client. */
export interface StoryClient {
  onSale(): Promise<OnSaleQuery>;
  buy(input: PurchaseInput): Promise<BuyFromBalanceMutation>;
  /** Returns a function that stops following. */
  follow(seen: (change: Change) => void, failed: (error: unknown) => void): () => void;
}

const DEADLINE_MS = 20_000;

/** Buys while watching the balance, disconnects, buys again, and checks that each change arrives exactly once. */
export async function runStory(client: StoryClient): Promise<void> {
  const changes: Change[] = [];
  const errors: unknown[] = [];
  const stopFollowing = client.follow(
    (change) => {
      changes.push(change);
      console.log(`live: version ${change.balance.version}, ${change.balance.available.amount} available`);
    },
    (error) => errors.push(error),
  );
  const seen = (count: number) => until(() => changes.length >= count || errors.length > 0, `${count} live changes`);
  await seen(1);

  const { nodes: plans } = (await client.onSale()).subscriptions;
  const plan = plans.reduce((cheapest, next) => (next.price.amount < cheapest.price.amount ? next : cheapest));
  await buy(client, plan);
  await seen(2);

  console.log('disconnected');
  connection.cut();
  await buy(client, plan);
  assert.equal(connection.count, 1, 'the second purchase was made while disconnected');
  await seen(3);

  stopFollowing();
  await socket.dispose();
  assert.deepEqual(errors, [], 'the live operation survived the disconnect');
  assert.equal(connection.count, 2, 'the client reconnected once');
  assertNoGap(changes, plan);
  console.log('each change arrived exactly once');
}

async function buy(client: StoryClient, { id, title, price }: Plan): Promise<void> {
  const { purchase } = await client.buy({ subscriptionId: id, payWith: 'BALANCE', idempotencyKey: crypto.randomUUID() });
  // Expected failures are data, and each type has its own fields.
  for (const error of purchase.errors) {
    if (error.__typename === 'InsufficientFunds')
      throw new Error(`You need ${error.shortfall.amount} ${error.shortfall.currency} more: top up on the demo page first.`);
    throw new Error(error.message);
  }
  assert.equal(purchase.grant?.status, 'ACTIVE');
  console.log(`bought: ${title} for ${price.amount} ${price.currency}, until ${purchase.grant.availableUntil}`);
}

/** Each change must be the next version of the balance, and each purchase must cost its price. */
function assertNoGap([first, ...later]: Change[], plan: Plan): void {
  assert.ok(first);
  const versions = later.map(({ balance }) => balance.version - first.balance.version);
  assert.deepEqual(versions, [1, 2], 'versions without a gap');
  const spent = later.map(({ balance }) => first.balance.available.amount - balance.available.amount);
  assert.deepEqual(spent, [plan.price.amount, 2 * plan.price.amount], 'amounts to the cent');
  for (const { transaction } of later) assert.equal(transaction?.amount.amount, -plan.price.amount);
}

async function until(condition: () => boolean, description: string): Promise<void> {
  for (const deadline = Date.now() + DEADLINE_MS; !condition(); await pause(20))
    if (Date.now() > deadline) throw new Error(`timed out waiting for ${description}`);
}
