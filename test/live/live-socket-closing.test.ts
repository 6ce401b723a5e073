import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { LiveFeed } from '../../src/services/live/live-feed.js';
import { LocalHints } from '../../src/stores/hints.js';
import { until } from '../support/until.js';
import { LiveScene, range, systemTime } from './live-scene.js';
import { RawSocket, SocketScene } from './socket-scene.js';

let database: LiveScene;
const hints = new LocalHints();
let feed: LiveFeed;
const scenes: SocketScene[] = [];

beforeAll(async () => {
  database = await LiveScene.open();
  const settings = { batchCount: 10, sweepIntervalMs: 3_600_000, quietSweepIntervalMs: 3_600_000, retentionMs: 86_400_000 };
  feed = new LiveFeed({ database: database.database, hints, settings, currency: 'EUR', clock: systemTime });
});
afterEach(async () => {
  for (const scene of scenes.splice(0)) await scene.close();
});
afterAll(async () => {
  await feed.stop();
  await database.close();
});

async function open(settings: Parameters<typeof SocketScene.open>[1] = {}): Promise<SocketScene> {
  const scene = await SocketScene.open(feed, settings);
  scenes.push(scene);
  return scene;
}

const live = 'subscription ($after: String) { balanceChanged(after: $after) { cursor version contextNumber } }';
type Change = { data: { balanceChanged: { cursor: string; version: number; contextNumber: number } } };

test('1000 comes from a client that leaves, and releases it with all its operations', async () => {
  const scene = await open();
  const userId = await database.viewer();
  const socket = await RawSocket.of(scene.url, userId);
  socket.subscribe('1', live);
  await socket.next('1');
  expect(feed.statistics().streams).toBe(1);
  socket.socket.close(1000);
  await until(() => scene.sockets.connections() === 0 && feed.statistics().streams === 0, 'let go');
});

test('1001 closes all sockets when the server stops', async () => {
  const scene = await open();
  const sockets = await Promise.all(range(1, 5).map(() => RawSocket.of(scene.url)));
  const late = await RawSocket.bare(scene.url);
  await scene.sockets.stop();
  for (const socket of [...sockets, late]) expect((await socket.closing()).code).toBe(1001);
  expect(scene.sockets.connections()).toBe(0);
});

test('while it stops, a server that waits for a client to close takes no other socket: 503', async () => {
  const scene = await open();
  const silent = await RawSocket.of(scene.url);
  silent.socket.pause();
  const stopped = scene.sockets.stop();
  expect((await RawSocket.bare(scene.url)).refusedWith).toBe(503);
  expect(scene.sockets.connections()).toBe(1);
  silent.socket.resume();
  expect((await silent.closing()).code).toBe(1001);
  await stopped;
});

test('1006 is what a peer that answers no ping ends with: it is cut off', async () => {
  const scene = await open({ socketKeepAliveMs: 100 });
  const [dead, alive] = [await RawSocket.of(scene.url, randomUUID(), undefined, false), await RawSocket.of(scene.url)];
  expect((await dead.closing()).code).toBe(1006);
  expect(alive.closed).toBeNull();
  expect(scene.sockets.connections()).toBe(1);
});

test('1002 answers what is no WebSocket frame, and 1007 text that is no UTF-8', async () => {
  const { url } = await open();
  for (const [code, frame] of [
    [1002, [0xff, 0x80, 0, 0, 0, 0]],
    [1007, [0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28]],
  ] as const) {
    const socket = await RawSocket.of(url);
    socket.writeBytes(Buffer.from(frame));
    expect((await socket.closing()).code).toBe(code);
  }
});

test('1009 answers a message that is too long', async () => {
  const { url } = await open({ socketMessageBytes: 2_000 });
  const socket = await RawSocket.of(url);
  socket.subscribe('1', `{ number } #${'x'.repeat(3_000)}`);
  expect((await socket.closing()).code).toBe(1009);
});

test('1013 refuses one socket too many of a viewer; another viewer is not concerned, and a free place is given again', async () => {
  const { url } = await open({ socketsPerViewerCount: 2 });
  const userId = randomUUID();
  const [first] = [await RawSocket.of(url, userId), await RawSocket.of(url, userId)];
  expect((await (await RawSocket.of(url, userId)).closing()).code).toBe(1013);
  expect((await RawSocket.of(url)).closed).toBeNull();
  first.socket.close();
  await until(async () => (await RawSocket.of(url, userId)).closed === null, 'a place');
});

test('1013 refuses a token that cannot be checked just now', async () => {
  const { url } = await open();
  const socket = await RawSocket.bare(url);
  socket.send({ type: 'connection_init', payload: { token: 'unknowable' } });
  expect((await socket.closing()).code).toBe(1013);
});

test('4400 answers what is no message of the protocol', async () => {
  const { url } = await open();
  for (const message of ['no json', '{"type":"nonsense"}', '{"type":"subscribe","id":"1","payload":{}}', '[]', '"x"']) {
    const socket = await RawSocket.of(url);
    socket.send(message);
    expect((await socket.closing()).code).toBe(4400);
  }
});

test('4401 refuses a socket without a token, or with an operation before it was acknowledged', async () => {
  const { url } = await open();
  for (const payload of [undefined, {}, { token: '' }, { token: 7 }]) {
    const silent = await RawSocket.bare(url);
    silent.send({ type: 'connection_init', payload });
    expect((await silent.closing()).code).toBe(4401);
    expect(silent.messages).toEqual([]);
  }
  const hasty = await RawSocket.bare(url);
  hasty.subscribe('1', '{ number }');
  expect((await hasty.closing()).code).toBe(4401);
});

test('4403 refuses a bad token, and one that has expired', async () => {
  const { url } = await open();
  for (const payload of [
    { token: 'forged' },
    { authorization: 'Basic x' },
    { token: `viewer~${randomUUID()}~${Date.now() - 1}` },
  ]) {
    const socket = await RawSocket.bare(url);
    socket.send({ type: 'connection_init', payload });
    expect((await socket.closing()).code).toBe(4403);
    expect(socket.messages).toEqual([]);
  }
});

test('4403 closes a socket whose token expires while it is open', async () => {
  const { url } = await open();
  const socket = await RawSocket.of(url, randomUUID(), Date.now() + 700);
  socket.subscribe('1', '{ number }');
  expect((await socket.next('1')).type).toBe('next');
  expect(await socket.closing()).toEqual({ code: 4403, reason: 'Token expired' });
});

test('4406 refuses another subprotocol, or none', async () => {
  const { url } = await open();
  const none = await RawSocket.bare(url, { protocol: '' });
  expect((await none.closing()).code).toBe(4406);
  // A client that insists on another protocol gets none confirmed and disconnects; the server closes it as well.
  const old = await RawSocket.bare(url, { protocol: 'graphql-ws' });
  await old.closing();
});

test('4408 closes a socket that sends no connection_init within the time', async () => {
  const { url } = await open({ connectionInitTimeoutMs: 100 });
  expect((await (await RawSocket.bare(url)).closing()).code).toBe(4408);
});

test('4409 answers an operation id that is in use', async () => {
  const { url } = await open();
  const socket = await RawSocket.of(url);
  // Too long for the reason that graphql-ws gives.
  const id = 'x'.repeat(200);
  socket.subscribe(id, 'subscription { idle }');
  socket.subscribe(id, 'subscription { idle }');
  expect((await socket.closing()).code).toBe(4409);
});

test('4409 answers the id of an operation that was abandoned and has not ended; what came with it is released with the socket', async () => {
  const scene = await open();
  const socket = await RawSocket.of(scene.url, await database.viewer());
  socket.subscribe('1', 'subscription { held }');
  await until(() => scene.release.length === 1, 'an event that waits');
  socket.send({ type: 'complete', id: '1' });
  socket.subscribe('1', live);
  expect((await socket.closing()).code).toBe(4409);
  for (const release of scene.release) release();
  await until(() => scene.sockets.connections() === 0 && feed.statistics().streams === 0, 'let go');
});

test('4413 cuts off a client that does not read, for which the server holds no more than the limit', async () => {
  const scene = await open({ socketKeepAliveMs: 300 });
  const socket = await RawSocket.of(scene.url);
  socket.socket.pause();
  socket.subscribe('1', 'subscription { flood(bytes: 100000) { text } }');
  await until(() => scene.flooded > 3, 'the flood');
  await until(() => scene.sockets.statistics().slowReaders === 1, 'found out');
  const floodedBefore = scene.flooded;
  // What the two kernels hold between them is not ours to bound; beyond it one event waits, not more.
  expect(floodedBefore * 100_000).toBeLessThan(64 * 1024 * 1024);
  socket.socket.resume();
  expect((await socket.closing()).code).toBe(4413);
  expect(scene.flooded).toBeLessThanOrEqual(floodedBefore + 1);
});

test('4413 loses nothing: a client that was cut off for not reading resumes after its last cursor', async () => {
  const scene = await open({ socketKeepAliveMs: 1_000 });
  const [userId, last] = [await database.viewer(), 200];
  const query = live.replace('version', 'version padding(bytes: 100000)');
  const slow = await RawSocket.of(scene.url, userId);
  slow.subscribe('1', query);
  await slow.next('1');
  // All at once, and only then: who answers no ping and has nothing waiting is cut off as dead.
  for (let version = 1; version <= last; version++) await database.change(userId, null);
  slow.socket.pause();
  hints.announce(userId, last);
  await until(() => scene.sockets.statistics().slowReaders === 1, 'found out');
  slow.socket.resume();
  expect((await slow.closing()).code).toBe(4413);
  const changesOf = ({ messages }: RawSocket) =>
    messages.filter(({ type }) => type === 'next').map(({ payload }) => (payload as Change).data.balanceChanged);
  const seen = changesOf(slow);
  expect(seen.length).toBeLessThan(last);
  const again = await RawSocket.of(scene.url, userId);
  again.subscribe('1', query, { after: seen.at(-1)?.cursor });
  await until(() => changesOf(again).at(-1)?.version === last, 'everything');
  expect([...seen, ...changesOf(again)].map(({ version }) => version)).toEqual(range(0, last));
});

test('4413 closes a socket whose answers pile up unread beyond the limit', async () => {
  const scene = await open({ socketBufferedBytes: 50_000, operationsPerSocketCount: 1_000 });
  const socket = await RawSocket.of(scene.url);
  socket.socket.pause();
  for (const number of range(1, 300)) socket.subscribe(`${number}`, '{ large(bytes: 100000) }');
  await until(() => scene.sockets.statistics().slowReaders === 1, 'found out');
  socket.socket.resume();
  expect((await socket.closing()).code).toBe(4413);
});

test('4429 answers a second connection_init', async () => {
  const { url } = await open();
  const socket = await RawSocket.of(url);
  socket.send({ type: 'connection_init', payload: { token: `viewer~${randomUUID()}` } });
  expect((await socket.closing()).code).toBe(4429);
});

test('4500 reports a defect in the handling of a message itself, and none of its details are sent', async () => {
  const scene = await open();
  scene.defective = true;
  const socket = await RawSocket.of(scene.url);
  socket.subscribe('1', '{ never }');
  expect(await socket.closing()).toEqual({ code: 4500, reason: 'Internal server error' });
});
