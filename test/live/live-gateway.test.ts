import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { Services } from '../../src/services/services.js';
import { startGateway, stubServices, tokenFor } from '../gateway/gateway-kit.js';
import { CardShop } from '../support/card-shop.js';
import { aKey } from '../support/shop.js';
import { testServices } from '../support/test-services.js';
import { until } from '../support/until.js';
import { type Message, RawSocket } from './socket-scene.js';

let shop: CardShop;
/** Announces nothing to the shop's node, and hears nothing from it: the sweep, made fast, delivers everything. */
let node: Services;
let gateway: Awaited<ReturnType<typeof startGateway>>;
const opened: RawSocket[] = [];

beforeAll(async () => {
  shop = await CardShop.open();
  node = testServices({
    database: shop.db.database,
    clock: shop.clock,
    environment: {
      LIVE_BATCH_COUNT: '10',
      LIVE_SWEEP_INTERVAL_MS: '50',
      LIVE_QUIET_SWEEP_INTERVAL_MS: '50',
      LIVE_EVENT_RETENTION_MS: '86400000',
    },
  });
  const { purchases, refunds, grants } = shop.desk;
  const { live, accounts, catalogue } = node;
  gateway = await startGateway({
    services: stubServices({ live, accounts, purchases, refunds, grants, catalogue }),
    environment: { INTROSPECTION: 'false', QUERY_DEPTH_MAXIMUM_COUNT: '6' },
  });
});
afterEach(() => {
  for (const socket of opened.splice(0)) socket.socket.terminate();
});
afterAll(async () => {
  await gateway.stop();
  await node.close();
  await shop.close();
});

async function connect(userId: string, role = 'viewer'): Promise<RawSocket> {
  const socket = await RawSocket.bare(`${gateway.url.replace('http', 'ws')}/graphql`);
  opened.push(socket);
  socket.send({ type: 'connection_init', payload: { token: await tokenFor({ userId, role }) } });
  await until(() => socket.messages.some((message) => message.type === 'connection_ack'), 'acknowledged');
  return socket;
}

const balances = `subscription ($after: String, $userId: ID) {
  balanceChanged(after: $after, userId: $userId) {
    cursor
    balance { version posted { amount currency } held { amount } available { amount } updatedAt }
    transaction { kind amount { amount } grant { id status } }
  }
}`;
const grants = `subscription ($after: String) { grantChanged(after: $after) { cursor grant { id userId status paidWith } } }`;

// biome-ignore lint/suspicious/noExplicitAny: answers of several shapes
const payloadOf = (message: Message) => message.payload as any;
const codesOf = (message: Message) =>
  (message.type === 'error' ? payloadOf(message) : payloadOf(message).errors).map(
    (error: { extensions: { code: string } }) => error.extensions.code,
  );

test('a purchase shows as a change of the balance with its movement, and as a grant', async () => {
  const viewer = await shop.viewer(5_000);
  const offer = await shop.desk.putOnSale(100, 30);
  const socket = await connect(viewer.userId);
  socket.subscribe('balances', balances);
  socket.subscribe('grants', grants);
  const present = payloadOf(await socket.next('balances')).data.balanceChanged;
  expect(present).toMatchObject({ balance: { version: 1, posted: { amount: 5_000, currency: 'USD' } }, transaction: null });
  const { grant } = (await shop.buy(viewer, offer)) as { grant: { id: string } };
  const change = payloadOf(await socket.next('balances')).data.balanceChanged;
  expect(change).toMatchObject({
    balance: { version: 2, posted: { amount: 2_000 }, held: { amount: 0 }, available: { amount: 2_000 } },
    transaction: { kind: 'SPENDING', amount: { amount: -3_000 }, grant: { id: grant.id, status: 'ACTIVE' } },
  });
  expect(payloadOf(await socket.next('grants')).data.grantChanged.grant).toEqual({
    id: grant.id,
    userId: viewer.userId,
    status: 'ACTIVE',
    paidWith: 'BALANCE',
  });
});

test('a refunded, a revoked and an expired grant show as they are now', async () => {
  const viewer = await shop.viewer(10_000);
  const offer = await shop.desk.putOnSale(10, 30);
  const ids: string[] = [];
  for (let count = 0; count < 3; count++) ids.push(((await shop.buy(viewer, offer)) as { grant: { id: string } }).grant.id);
  const socket = await connect(viewer.userId);
  socket.subscribe('1', grants);
  const present = [await socket.next('1'), await socket.next('1'), await socket.next('1')];
  expect(present.map((message) => payloadOf(message).data.grantChanged.grant.id).sort()).toEqual([...ids].sort());
  await shop.desk.refunds.refundGrant(viewer, { grantId: ids[0] as string, idempotencyKey: aKey() });
  expect(payloadOf(await socket.next('1')).data.grantChanged.grant).toMatchObject({ id: ids[0], status: 'REFUNDED' });
  await shop.desk.grants.revoke({ userId: randomUUID(), role: 'ADMIN' }, { grantId: ids[1] as string, reason: 'a test' });
  expect(payloadOf(await socket.next('1')).data.grantChanged.grant).toMatchObject({ id: ids[1], status: 'REVOKED' });
  shop.clock.advanceDays(31);
  await shop.desk.grants.expireDue(10);
  expect(payloadOf(await socket.next('1')).data.grantChanged.grant).toMatchObject({ id: ids[2], status: 'EXPIRED' });
});

test('a grant that a dispute suspends, and that is won back, shows as it is', async () => {
  const viewer = await shop.viewer();
  const order = await shop.buyByCard(viewer, await shop.desk.putOnSale(10, 30));
  const socket = await connect(viewer.userId);
  socket.subscribe('1', grants);
  // Changes close together may each show the state after the last of them.
  const shown = async (status: string) => {
    while (payloadOf(await socket.next('1')).data.grantChanged.grant.status !== status);
  };
  await shown('ACTIVE');
  const { payment_intent: paymentIntent } = await shop.stripe.checkout.sessions.retrieve(order.stripeSessionId as string);
  const { id } = shop.sandbox.control.openDispute({ paymentIntent: paymentIntent as string, reason: 'fraudulent' });
  await shop.desk.disputes.applyDispute(await shop.stripe.disputes.retrieve(id), null);
  await shown('SUSPENDED');
  shop.sandbox.control.closeDispute(id, 'won');
  await shop.desk.disputes.applyDispute(await shop.stripe.disputes.retrieve(id), null);
  await shown('ACTIVE');
});

test('a purchase by card shows each movement, version by version, and a client that was away gets them all', async () => {
  const viewer = await shop.viewer();
  const socket = await connect(viewer.userId);
  socket.subscribe('1', balances);
  const { cursor } = payloadOf(await socket.next('1')).data.balanceChanged;
  socket.socket.terminate();
  await shop.buyByCard(viewer, await shop.desk.putOnSale(100, 10));
  const again = await connect(viewer.userId);
  again.subscribe('1', balances, { after: cursor });
  const missed = [payloadOf(await again.next('1')), payloadOf(await again.next('1'))].map(({ data }) => data.balanceChanged);
  expect(missed.map((change) => [change.balance.version, change.transaction.kind, change.balance.posted.amount])).toEqual([
    [1, 'TOP_UP', 1_000],
    [2, 'SPENDING', 0],
  ]);
});

test('only an admin may watch another viewer, and a service nobody', async () => {
  const viewer = await shop.viewer(700);
  const admin = await connect(randomUUID(), 'admin');
  admin.subscribe('1', balances, { userId: viewer.userId });
  expect(payloadOf(await admin.next('1')).data.balanceChanged.balance.posted.amount).toBe(700);
  const stranger = await connect(randomUUID());
  stranger.subscribe('1', balances, { userId: viewer.userId });
  expect(codesOf(await stranger.next('1'))).toEqual(['FORBIDDEN']);
  const service = await connect(randomUUID(), 'service');
  service.subscribe('1', balances);
  expect(codesOf(await service.next('1'))).toEqual(['FORBIDDEN']);
});

test('an event that cannot be resolved ends its operation with all errors and where they happened', async () => {
  const viewer = await shop.viewer(1_000);
  const socket = await connect(viewer.userId);
  await shop.buy(viewer, await shop.desk.putOnSale(100, 10));
  const query =
    'subscription { grantChanged { grant { actorId films(first: 101) { nodes { id } } subscription { stripeProductId } } } }';
  socket.subscribe('1', query);
  const { type, payload } = await socket.next('1');
  expect(type).toBe('error');
  const errors = payload as { path: string[]; extensions: { code: string } }[];
  expect(errors.map(({ path, extensions }) => `${path.join('.')} ${extensions.code}`).sort()).toEqual([
    'grantChanged.grant.actorId FORBIDDEN',
    'grantChanged.grant.films BAD_USER_INPUT',
  ]);
});

test('queries and mutations over the socket obey the roles and the guard of HTTP', async () => {
  const viewer = await shop.viewer(1_000);
  const socket = await connect(viewer.userId);
  const refused: [query: string, code: string][] = [
    ['{ jobs { name } }', 'FORBIDDEN'],
    [`mutation { revokeGrant(input: { grantId: "${randomUUID()}", reason: "x" }) { errors { code } } }`, 'FORBIDDEN'],
    ['{ __schema { types { name } } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['{ account { grants { nodes { films { nodes { subscriptions { nodes { id } } } } } } } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['{ nothing }', 'GRAPHQL_VALIDATION_FAILED'],
    ['{ account {', 'GRAPHQL_PARSE_FAILED'],
  ];
  for (const [index, [query, code]] of refused.entries()) {
    socket.subscribe(`${index}`, query);
    expect([query, new Set(codesOf(await socket.next(`${index}`)))]).toEqual([query, new Set([code])]);
  }
  const offer = await shop.desk.putOnSale(10, 10);
  const input = { subscriptionId: offer.subscriptionId, payWith: 'BALANCE', idempotencyKey: aKey() };
  socket.subscribe('buy', 'mutation ($input: PurchaseInput!) { purchase(input: $input) { grant { status } errors { code } } }', {
    input,
  });
  expect(payloadOf(await socket.next('buy')).data.purchase).toEqual({ grant: { status: 'ACTIVE' }, errors: [] });
});

test('an invalid cursor and an expired one are reported with their own codes', async () => {
  const viewer = await shop.viewer(100);
  const socket = await connect(viewer.userId);
  socket.subscribe('1', balances, { after: 'nonsense' });
  expect(codesOf(await socket.next('1'))).toEqual(['BAD_USER_INPUT']);
  socket.subscribe('2', balances);
  const { cursor } = payloadOf(await socket.next('2')).data.balanceChanged;
  await shop.buy(viewer, await shop.desk.putOnSale(10, 10));
  shop.clock.advanceMs(86_400_001);
  socket.subscribe('3', balances, { after: cursor });
  expect(codesOf(await socket.next('3'))).toEqual(['CURSOR_EXPIRED']);
});
