import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { SocketBudget } from '../../src/gateway/websocket/budget.js';
import { LiveFeed } from '../../src/services/live/live-feed.js';
import { LocalHints } from '../../src/stores/hints.js';
import { until } from '../support/until.js';
import { LiveScene, range, systemTime } from './live-scene.js';
import { RawSocket, SocketScene, tokenOf } from './socket-scene.js';

let database: LiveScene;
let feed: LiveFeed;
const scenes: SocketScene[] = [];

beforeAll(async () => {
  database = await LiveScene.open();
  const settings = { batchCount: 10, sweepIntervalMs: 3_600_000, quietSweepIntervalMs: 3_600_000, retentionMs: 86_400_000 };
  feed = new LiveFeed({ database: database.database, hints: new LocalHints(), settings, currency: 'EUR', clock: systemTime });
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

const connections = ({ server }: SocketScene) =>
  new Promise<number>((resolve) => server.getConnections((_error, count) => resolve(count)));

/** A client's frame: masked with zeros, so that its bytes stay as they are. */
const frame = (first: number, body = '') =>
  Buffer.concat([Buffer.from([first, 0x80 | body.length, 0, 0, 0, 0]), Buffer.from(body)]);

describe('4429 closes a socket that sends more messages than its budget, of a kind that nothing else counts', () => {
  const kinds: [kind: string, send: (socket: RawSocket, number: number) => void][] = [
    ['pings of graphql-ws', (socket) => socket.send({ type: 'ping' })],
    ['pongs of graphql-ws', (socket) => socket.send({ type: 'pong', payload: {} })],
    ['the ends of operations that there are not', (socket, number) => socket.send({ type: 'complete', id: `${number}` })],
    ['pings of RFC 6455', (socket) => socket.socket.ping()],
    ['pongs of RFC 6455', (socket) => socket.socket.pong('unasked')],
    ['binary messages', (socket) => socket.socket.send(Buffer.from('{"type":"pong"}'))],
    ['frames in fragments', (socket) => socket.writeBytes(Buffer.concat([frame(0x01, '{"type":'), frame(0x80, '"pong"}')]))],
  ];

  test.each(kinds)('as %s before connection_init', async (_kind, send) => {
    const scene = await open({ socketMessagesCount: 40, socketCloseGraceMs: 300 });
    const socket = await RawSocket.bare(scene.url);
    for (const number of range(1, 41)) send(socket, number);
    expect(await socket.closing()).toEqual({ code: 4429, reason: 'Too many messages' });
    expect(scene.sockets.statistics().overBudget).toBe(1);
  });

  const ofOperations: typeof kinds = [
    ['operations beyond those allowed at once', (socket, number) => socket.subscribe(`${number}`, 'subscription { idle }')],
    ['operations that cannot be parsed', (socket, number) => socket.subscribe(`${number}`, '{')],
    ['operations that are not valid', (socket, number) => socket.subscribe(`${number}`, '{ nothing }')],
  ];

  test.each([...kinds, ...ofOperations])('as %s after connection_ack', async (_kind, send) => {
    const scene = await open({ socketMessagesCount: 40, socketCloseGraceMs: 300 });
    const socket = await RawSocket.of(scene.url);
    // Five operations are admitted, and count elsewhere.
    for (const number of range(1, 41 + 5)) send(socket, number);
    expect(await socket.closing()).toEqual({ code: 4429, reason: 'Too many messages' });
    expect(scene.sockets.statistics()).toMatchObject({ overBudget: 1, operations: 0 });
  });
});

test('4429 closes a socket that sends more bytes than its budget, in however few messages', async () => {
  const { url } = await open({ socketReceivedBytes: 20_000, socketCloseGraceMs: 300 });
  const socket = await RawSocket.of(url);
  for (const _ of range(1, 5)) socket.send({ type: 'ping', payload: { text: 'x'.repeat(5_000) } });
  expect((await socket.closing()).code).toBe(4429);
});

test('1008 closes a socket that sends fragments without an end, which are no messages yet', async () => {
  const { url } = await open();
  const socket = await RawSocket.bare(url);
  socket.writeBytes(Buffer.concat([frame(0x01), ...Array(100).fill(frame(0x00))]));
  expect((await socket.closing()).code).toBe(1008);
});

test('a client that pings each second, subscribes twenty times at its start and asks now and then is never over its budget', async () => {
  const scene = await open({ operationsPerSocketCount: 20, socketMessagesCount: 60, socketMessagesWindowMs: 10_000 });
  const socket = await RawSocket.of(scene.url);
  for (const number of range(1, 20)) socket.subscribe(`${number}`, 'subscription { idle }');
  await until(() => scene.sockets.statistics().operations === 20, 'subscribed');
  for (const second of range(1, 120)) {
    scene.elapsedMs += 1_000;
    socket.send({ type: 'ping' });
    socket.send({ type: 'pong' });
    socket.socket.ping();
    await until(() => socket.messages.filter(({ type }) => type === 'pong').length === second, 'a pong');
  }
  expect([socket.closed, scene.sockets.statistics().overBudget]).toEqual([null, 0]);
});

test('operations that are admitted count by the rates of their caller, and not once more here', async () => {
  const scene = await open({ socketMessagesCount: 40 });
  const socket = await RawSocket.of(scene.url);
  for (const number of range(1, 200)) {
    socket.subscribe(`${number}`, '{ number }');
    expect((await socket.next(`${number}`)).payload).toHaveProperty('data.number');
  }
  expect(socket.closed).toBeNull();
});

test('what comes after a message that closes the socket is not run, not even when it came with it', async () => {
  const scene = await open();
  const socket = await RawSocket.of(scene.url);
  socket.send('no json');
  socket.subscribe('1', 'mutation { count }');
  expect((await socket.closing()).code).toBe(4400);
  expect(scene.counted).toBe(0);
});

test('a client that keeps flooding after its close frame is read no further, and cut off after the grace period', async () => {
  const scene = await open({ socketMessagesCount: 40, socketCloseGraceMs: 300 });
  const socket = await RawSocket.of(scene.url);
  socket.socket.pause();
  const flood = setInterval(() => socket.writeBytes(Buffer.concat(Array(1_000).fill(frame(0x8a)))), 5);
  await until(() => scene.sockets.connections() === 0, 'cut off').finally(() => clearInterval(flood));
  expect(scene.sockets.statistics().overBudget).toBe(1);
  socket.socket.terminate();
});

test('a client that neither reads nor answers after an invalid frame is cut off after the grace period', async () => {
  const scene = await open({ socketCloseGraceMs: 300 });
  const socket = await RawSocket.of(scene.url);
  socket.socket.pause();
  socket.writeBytes(Buffer.from([0xff, 0x80, 0, 0, 0, 0]));
  await until(() => scene.sockets.connections() === 0, 'cut off');
  socket.socket.terminate();
});

test('1006: pongs that nobody asked for do not keep a client that reads no ping', async () => {
  const scene = await open({ socketKeepAliveMs: 200 });
  const [deaf, alive] = [await RawSocket.of(scene.url, randomUUID(), undefined, false), await RawSocket.of(scene.url)];
  const pongs = setInterval(() => deaf.socket.readyState === WebSocket.OPEN && deaf.socket.pong('here I am'), 20);
  await until(() => deaf.closed !== null, 'closed').finally(() => clearInterval(pongs));
  expect([deaf.closed?.code, alive.closed]).toEqual([1006, null]);
});

describe('sockets of one address that have not been acknowledged', () => {
  const init = (socket: RawSocket) => socket.send({ type: 'connection_init', payload: { token: tokenOf(randomUUID()) } });

  test('are refused with 429 beyond their number, and make room when they are acknowledged or closed', async () => {
    const scene = await open({ socketsWaitingPerAddressCount: 2 });
    const [first, second] = [await RawSocket.bare(scene.url), await RawSocket.bare(scene.url)];
    expect((await RawSocket.bare(scene.url)).refusedWith).toBe(429);
    init(first);
    await until(() => first.messages.length === 1, 'acknowledged');
    const third = await RawSocket.bare(scene.url);
    expect([third.refusedWith, (await RawSocket.bare(scene.url)).refusedWith]).toEqual([null, 429]);
    second.socket.terminate();
    await until(() => scene.sockets.connections() === 2, 'one has gone');
    expect((await RawSocket.bare(scene.url)).refusedWith).toBeNull();
  });

  test('make room when their time for connection_init is over, or their token is refused', async () => {
    const scene = await open({ socketsWaitingPerAddressCount: 1, connectionInitTimeoutMs: 100 });
    expect((await (await RawSocket.bare(scene.url)).closing()).code).toBe(4408);
    const refused = await RawSocket.bare(scene.url);
    refused.send({ type: 'connection_init', payload: { token: 'forged' } });
    expect((await refused.closing()).code).toBe(4403);
    for (const _ of range(1, 3)) {
      const admitted = await RawSocket.bare(scene.url);
      init(admitted);
      await until(() => admitted.messages.length === 1, 'acknowledged');
    }
  });
});

test('a refused upgrade leaves no connection behind, though its client keeps it open', async () => {
  const scene = await open();
  const client = net.connect({ port: Number(new URL(scene.url).port), host: '127.0.0.1', allowHalfOpen: true });
  await once(client, 'connect');
  client.write('GET /other HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  client.resume();
  await once(client, 'end');
  await until(async () => (await connections(scene)) === 0, 'no connection is left');
  client.destroy();
});

describe('a budget', () => {
  const settings = { socketMessagesWindowMs: 1_000, socketMessagesCount: 10, socketReceivedBytes: 100 };

  test('is full at the start, is refilled evenly, and never holds more than a full one', () => {
    let nowMs = 5;
    const budget = new SocketBudget(settings, () => nowMs);
    expect([budget.spend(10, 0), budget.spend(1, 0)]).toEqual([true, false]);
    nowMs += 200;
    expect([budget.spend(1, 0), budget.spend(1, 0)]).toEqual([true, false]);
    nowMs += 60_000;
    expect([budget.spend(10, 100), budget.spend(0, 1)]).toEqual([true, false]);
  });

  test('takes no more back than it had', () => {
    const budget = new SocketBudget(settings, () => 0);
    budget.restore(50, 500);
    expect(budget.spend(11, 0)).toBe(false);
  });
});
