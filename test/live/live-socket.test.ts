import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
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

test('queries, mutations and live operations run for the viewer of the token', async () => {
  const { url } = await open();
  const userId = await database.viewer();
  const socket = await RawSocket.of(url, userId);
  socket.subscribe('1', '{ whoAmI }');
  expect(await socket.next('1')).toEqual({ id: '1', type: 'next', payload: { data: { whoAmI: userId } } });
  expect((await socket.next('1')).type).toBe('complete');
  socket.subscribe('2', 'mutation { count }');
  expect((await socket.next('2')).payload).toEqual({ data: { count: 1 } });
  socket.subscribe('3', live);
  expect(((await socket.next('3')).payload as Change).data.balanceChanged.version).toBe(0);
  await database.change(userId, hints);
  expect(((await socket.next('3')).payload as Change).data.balanceChanged.version).toBe(1);
});

test('the token may also come as an authorization header does', async () => {
  const { url } = await open();
  const socket = await RawSocket.bare(url);
  socket.send({ type: 'connection_init', payload: { authorization: `Bearer viewer~${randomUUID()}` } });
  await until(() => socket.messages.some((message) => message.type === 'connection_ack'), 'acknowledged');
});

test('each event is resolved with a context of its own', async () => {
  const { url } = await open();
  const userId = await database.viewer();
  const socket = await RawSocket.of(url, userId);
  socket.subscribe('1', live);
  const numbers = new Set<number>();
  for (const _ of range(1, 4)) {
    numbers.add(((await socket.next('1')).payload as Change).data.balanceChanged.contextNumber);
    await database.change(userId, hints);
  }
  expect(numbers.size).toBe(4);
});

test('an event of any length, in any letters, arrives whole', async () => {
  const { url } = await open({ socketMessageBytes: 100_000 });
  const socket = await RawSocket.of(url);
  // What a frame says of its length changes at 126 bytes and at 64 KiB.
  const lengths = [...range(60, 70), ...range(65_470, 65_485), 70_000];
  for (const [index, length] of lengths.entries()) {
    const [id, text] = [`${index}é`, index % 2 === 0 ? 'x'.repeat(length) : `☃${'x'.repeat(length)}`];
    socket.subscribe(id, 'subscription ($text: String!) { once(text: $text) }', { text });
    expect(await socket.next(id)).toEqual({ id, type: 'next', payload: { data: { once: text } } });
    expect((await socket.next(id)).type).toBe('complete');
  }
});

test('an event that is still being resolved when its client gives the operation up is not sent', async () => {
  const scene = await open();
  const socket = await RawSocket.of(scene.url);
  socket.subscribe('1', 'subscription { held }');
  await until(() => scene.release.length === 1, 'an event that waits');
  socket.send({ type: 'complete', id: '1' });
  socket.subscribe('2', '{ number }');
  await socket.next('2');
  for (const release of scene.release) release();
  await until(() => scene.sockets.statistics().operations === 0, 'ended');
  socket.subscribe('1', '{ number }');
  expect((await socket.next('1')).payload).toHaveProperty('data.number');
});

test('a syntax error, a refused rule and an unknown operation answer with an error and leave the socket open', async () => {
  const { url } = await open();
  const socket = await RawSocket.of(url);
  socket.subscribe('1', 'subscription {');
  expect(await socket.next('1')).toMatchObject({
    type: 'error',
    payload: [{ message: 'Syntax Error: Expected Name, found <EOF>.' }],
  });
  socket.subscribe('2', '{ secret }');
  expect(await socket.next('2')).toMatchObject({
    type: 'error',
    payload: [{ message: 'secret is not to be asked', extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }],
  });
  socket.send({ type: 'subscribe', id: '3', payload: { query: 'query A { number }', operationName: 'B' } });
  expect(await socket.next('3')).toMatchObject({
    type: 'error',
    payload: [{ extensions: { code: 'OPERATION_RESOLUTION_FAILURE' } }],
  });
  socket.subscribe('4', `{ ${'number '.repeat(300)} }`);
  expect((await socket.next('4')).type).toBe('error');
  // More often than operations are allowed at once: none of them is counted any more.
  for (const number of range(5, 15)) {
    socket.subscribe(`${number}`, '{ nothing }');
    expect((await socket.next(`${number}`)).type).toBe('error');
  }
  socket.subscribe('last', '{ number }');
  expect((await socket.next('last')).type).toBe('next');
});

test('a defect is masked, in a query and in the middle of a live operation', async () => {
  const { url } = await open();
  const socket = await RawSocket.of(url);
  const masked = { message: 'Something went wrong.', extensions: { code: 'INTERNAL_SERVER_ERROR' } };
  socket.subscribe('1', '{ never }');
  expect((await socket.next('1')).payload).toEqual({ data: null, errors: [masked] });
  socket.subscribe('2', 'subscription { broken }');
  expect((await socket.next('2')).payload).toEqual({ data: { broken: 1 } });
  expect(await socket.next('2')).toMatchObject({ type: 'error', payload: [masked] });
  expect(JSON.stringify(socket.messages)).not.toContain('hunter2');
});

test('more operations at once than allowed are refused; those that ended count no more', async () => {
  const scene = await open({ operationsPerSocketCount: 3 });
  const socket = await RawSocket.of(scene.url);
  for (const id of ['1', '2', '3']) socket.subscribe(id, 'subscription { idle }');
  socket.subscribe('4', '{ number }');
  expect(await socket.next('4')).toMatchObject({ type: 'error', payload: [{ extensions: { code: 'RATE_LIMITED' } }] });
  socket.send({ type: 'complete', id: '1' });
  await until(() => scene.sockets.statistics().operations === 2, 'one operation has ended');
  socket.subscribe('5', '{ number }');
  expect((await socket.next('5')).type).toBe('next');
});

test('an operation that its client abandoned counts until it has ended', async () => {
  const scene = await open({ operationsPerSocketCount: 2 });
  const socket = await RawSocket.of(scene.url);
  for (const id of ['1', '2']) {
    socket.subscribe(id, '{ slow }');
    socket.send({ type: 'complete', id });
  }
  socket.subscribe('3', '{ number }');
  expect(await socket.next('3')).toMatchObject({ type: 'error', payload: [{ extensions: { code: 'RATE_LIMITED' } }] });
});

test('a refused cursor is the answer to the operation, and the socket stays', async () => {
  const { url } = await open();
  const socket = await RawSocket.of(url);
  socket.subscribe('1', live, { after: 'nonsense' });
  expect((await socket.next('1')).payload).toMatchObject({ errors: [{}] });
  socket.subscribe('2', '{ number }');
  expect((await socket.next('2')).type).toBe('next');
});

test('a browser of another origin, another path and one socket too many are refused before they open', async () => {
  const { url } = await open({ socketsMaximumCount: 1 });
  expect((await RawSocket.bare(url, { origin: 'https://evil.example' })).refusedWith).toBe(403);
  expect((await RawSocket.bare(url.replace('/graphql', '/other'))).refusedWith).toBe(404);
  const home = await RawSocket.bare(url, { origin: 'https://films.example' });
  expect(home.socket.readyState).toBe(WebSocket.OPEN);
  expect((await RawSocket.bare(url)).refusedWith).toBe(503);
});
