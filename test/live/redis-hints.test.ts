import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { LiveFeed } from '../../src/services/live/live-feed.js';
import { connectRedis } from '../../src/stores/redis.js';
import { RedisHints } from '../../src/stores/redis-hints.js';
import { RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';
import { LiveScene, nextOf, range, systemTime, take } from './live-scene.js';
import { describeWithRedisServer } from './redis-server.js';

let scene: LiveScene;
let redis: RedisServer;
const opened: { close(): Promise<void> }[] = [];

describeWithRedisServer('hints through Redis', () => {
  beforeAll(async () => {
    scene = await LiveScene.open();
    redis = await RedisServer.start();
  });
  afterEach(async () => {
    for (const thing of opened.splice(0).reverse()) await thing.close();
  });
  afterAll(async () => {
    await scene.close();
    await redis.close();
  });

  async function node(): Promise<RedisHints> {
    const hints = new RedisHints({ url: redis.url, commandTimeoutMs: 500 });
    opened.push(hints);
    await until(() => hints.state() === 'CONNECTED', 'connected');
    return hints;
  }

  function feedOf(hints: RedisHints, sweepIntervalMs: number, quietSweepIntervalMs = 3_600_000): LiveFeed {
    const settings = { batchCount: 10, sweepIntervalMs, quietSweepIntervalMs, retentionMs: 86_400_000 };
    const feed = new LiveFeed({ database: scene.database, hints, settings, currency: 'EUR', clock: systemTime });
    opened.push({ close: () => feed.stop() });
    return feed;
  }

  async function ask<Answer>(command: string, ...parameters: string[]): Promise<Answer> {
    const client = connectRedis({ url: redis.url, commandTimeoutMs: 5_000 }, { enableOfflineQueue: true });
    const answer = (await client.call(command, ...parameters)) as Answer;
    client.disconnect();
    return answer;
  }

  /** The channels that Redis knows. */
  const channels = async () => (await ask<string[]>('PUBSUB', 'CHANNELS', 'boxoffice:live:*')).length;

  /** Connections that are subscribed to something, or bear the name of those that are. */
  async function subscribers(): Promise<number> {
    const clients = (await ask<string>('CLIENT', 'LIST')).trim().split('\n');
    return clients.filter((line) => / name=boxoffice-hints-subscriber /.test(line) || / sub=[1-9]/.test(line)).length;
  }

  test('what one node announces is heard on the other, and on itself at once', async () => {
    const [here, there] = [await node(), await node()];
    const userId = randomUUID();
    const heard: (number | null)[] = [];
    const heardAtHome: (number | null)[] = [];
    there.listen(userId, (sequence) => heard.push(sequence));
    here.listen(userId, (sequence) => heardAtHome.push(sequence));
    await until(() => heard.length > 0 && heardAtHome.length > 0, 'a hint to look, once the channel is subscribed');
    expect([heard[0], heardAtHome[0]]).toEqual([null, null]);
    here.announce(userId, 7);
    expect(heardAtHome.at(-1)).toBe(7);
    await until(() => heard.at(-1) === 7, 'the other node hears it');
    expect(heard).toEqual([null, 7]);
  });

  test('only the channels of viewers who are listened to are subscribed', async () => {
    const hints = await node();
    const viewers = range(1, 50).map(() => randomUUID());
    const stops = viewers.map((userId) => hints.listen(userId, () => undefined));
    await until(async () => (await channels()) === 50, '50 channels');
    for (const stop of stops.slice(0, 40)) stop();
    await until(async () => (await channels()) === 10, '10 channels');
    // Gone and back within one turn: the channel stays.
    stops[49]?.();
    const heard: (number | null)[] = [];
    hints.listen(viewers[49] as string, (sequence) => heard.push(sequence));
    for (const stop of stops.slice(40, 49)) stop();
    await until(async () => (await channels()) === 1, '1 channel');
    (await node()).announce(viewers[49] as string, 3);
    await until(() => heard.includes(3), 'the viewer who came back is heard');
  });

  test('one connection of a node is subscribed, however many viewers are listened to', async () => {
    await until(async () => (await subscribers()) === 0, 'those of other tests are gone');
    const hints = await node();
    const feed = feedOf(hints, 3_600_000);
    const viewers = await Promise.all(range(1, 5).map(() => scene.viewer()));
    const streams = await Promise.all([...viewers, ...viewers].map((userId) => feed.watchBalance(userId)));
    await Promise.all(streams.map((stream) => nextOf(stream)));
    await until(async () => (await channels()) === viewers.length, 'a channel for each viewer');
    expect(await subscribers()).toBe(1);
  });

  test('with Redis down announcing neither throws nor waits, the sweep delivers, and hints recover automatically', async () => {
    const [here, there] = [await node(), await node()];
    const userId = await scene.viewer();
    const stream = await feedOf(there, 50).watchBalance(userId);
    await nextOf(stream);
    await scene.change(userId, here);
    expect((await nextOf(stream)).balance.version).toBe(1);

    await redis.kill();
    await until(() => there.state() === 'DOWN' && here.state() === 'DOWN', 'down');
    for (let count = 0; count < 20; count++) await scene.change(userId, here);
    expect((await take(stream, 20)).map((change) => change.balance.version)).toEqual(range(2, 21));

    await redis.start();
    await until(() => there.state() === 'CONNECTED' && here.state() === 'CONNECTED', 'connected again');
    // From here on the sweep is an hour away: only a hint can deliver the change.
    await scene.change(userId, here);
    expect((await nextOf(stream)).balance.version).toBe(22);
  });

  test('what was announced while a node did not hear is found as soon as it hears again, without a sweep', async () => {
    const [here, there] = [await node(), await node()];
    const userId = await scene.viewer();
    const stream = await feedOf(there, 3_600_000).watchBalance(userId);
    await nextOf(stream);
    await redis.kill();
    await until(() => there.state() === 'DOWN', 'down');
    await scene.change(userId, here);
    const waiting = nextOf(stream);
    await redis.start();
    expect((await waiting).balance.version).toBe(1);
  });

  test('a Redis that is there but does not answer counts as down', async () => {
    const hints = await node();
    redis.signal('SIGSTOP');
    await until(() => hints.state() === 'DOWN', 'down');
    const userId = randomUUID();
    let heard = 0;
    hints.listen(userId, () => heard++);
    for (let count = 0; count < 1_000; count++) hints.announce(userId, count);
    // At once, here: nothing waits for Redis.
    expect(heard).toBe(1_000);
    redis.signal('SIGCONT');
    await until(() => hints.state() === 'CONNECTED', 'connected again');
  });

  test('a node that starts while Redis is away works alone, and joins when it comes', async () => {
    await redis.kill();
    const hints = new RedisHints({ url: redis.url, commandTimeoutMs: 500 });
    opened.push(hints);
    const userId = randomUUID();
    const heard: (number | null)[] = [];
    hints.listen(userId, (sequence) => heard.push(sequence));
    hints.announce(userId, 1);
    expect(heard).toEqual([1]);
    expect(hints.state()).toBe('DOWN');
    await redis.start();
    await until(() => hints.state() === 'CONNECTED', 'connected');
    (await node()).announce(userId, 2);
    await until(() => heard.includes(2), 'heard from the other node');
  });
});
