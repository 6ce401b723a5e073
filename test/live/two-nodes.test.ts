import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { LiveFeed } from '../../src/services/live/live-feed.js';
import type { Database } from '../../src/stores/database.js';
import { RedisHints } from '../../src/stores/redis-hints.js';
import { type Following, follow } from '../support/following-client.js';
import { RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';
import { LiveScene, openDatabase, range, systemTime } from './live-scene.js';

import { describeWithRedisServer } from './redis-server.js';
import { SocketScene, tokenOf } from './socket-scene.js';

const CHANGES_PER_VIEWER = 500;
const ROUNDS = 40;

let scene: LiveScene;
let redis: RedisServer;
const nodes: Node[] = [];

/** One gateway's live side, with everything of its own but the database and Redis. */
class Node {
  hints!: RedisHints;
  sockets!: SocketScene;
  private database!: Database;
  private feed!: LiveFeed;
  private port = 0;

  async start(): Promise<this> {
    this.database = openDatabase(scene.url);
    this.hints = new RedisHints({ url: redis.url, commandTimeoutMs: 500 });
    const settings = { batchCount: 20, sweepIntervalMs: 250, quietSweepIntervalMs: 3_600_000, retentionMs: 86_400_000 };
    this.feed = new LiveFeed({ database: this.database, hints: this.hints, settings, currency: 'EUR', clock: systemTime });
    this.sockets = await SocketScene.open(this.feed, {}, this.port);
    this.port = Number(new URL(this.sockets.url).port);
    return this;
  }

  async stop(): Promise<void> {
    await this.sockets.close();
    await this.feed.stop();
    await this.hints.close();
    await this.database.close();
  }
}

describeWithRedisServer('two nodes', () => {
  beforeAll(async () => {
    scene = await LiveScene.open();
    redis = await RedisServer.start();
    nodes.push(await new Node().start(), await new Node().start());
  });
  afterAll(async () => {
    for (const node of nodes) await node.stop();
    await scene.close();
    await redis.close();
  });

  interface Change {
    cursor: string;
    version: number;
  }

  function followOn(node: Node, userId: string): Following<Change> {
    return follow<Change>({
      url: () => node.sockets.url,
      token: () => tokenOf(userId),
      field: 'balanceChanged',
      query: 'subscription ($after: String) { balanceChanged(after: $after) { cursor version } }',
    });
  }

  const nodeAt = (index: number) => nodes[index % nodes.length] as Node;

  test('a change made on one node arrives at a client of the other', async () => {
    const userId = await scene.viewer();
    await until(() => nodes.every((node) => node.hints.state() === 'CONNECTED'), 'connected');
    const client = followOn(nodeAt(1), userId);
    await until(() => client.seen.length === 1, 'the present state');
    await scene.change(userId, nodeAt(0).hints);
    await until(() => client.seen.length === 2, 'the change');
    expect(client.seen.map((change) => change.version)).toEqual([0, 1]);
    await client.stop();
  });

  /** Cuts sockets constantly, and now and then restarts a node or kills Redis; returns what happened. */
  async function makeTrouble(clients: readonly Following<Change>[]) {
    const happened = { cuts: 0, restarts: [0, 0], redisKills: 0 };
    for (const round of range(0, ROUNDS - 1)) {
      for (const place of [round * 3, round * 5 + 1]) if (clients[place % clients.length]?.cut()) happened.cuts++;
      if (round % 9 === 4) {
        await nodeAt(round).stop();
        await nodeAt(round).start();
        happened.restarts[round % 2] = (happened.restarts[round % 2] ?? 0) + 1;
      }
      if (round % 13 === 6) {
        if (await redis.kill()) happened.redisKills++;
        await new Promise((resolve) => setTimeout(resolve, 100));
        await redis.start();
      }
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    return happened;
  }

  test('1,000 changes and more while sockets break, nodes restart and Redis dies: each client gets exactly the versions there are', async () => {
    const viewers = [await scene.viewer(), await scene.viewer()];
    const clients = range(0, 7).map((index) => followOn(nodeAt(index), viewers[index % 2] as string));
    await until(() => clients.every((client) => client.seen.length === 1), 'all present');
    let troubled = true;
    const writers = viewers.map(async (userId) => {
      let version = 0;
      while (version < CHANGES_PER_VIEWER || troubled) {
        version = await scene.change(userId, nodeAt(version).hints);
        // Beyond what must be, only as fast as the trouble needs something to meet.
        if (version > CHANGES_PER_VIEWER || version % 5 === 0) await new Promise((resolve) => setTimeout(resolve, 10));
      }
      return version;
    });
    const trouble = makeTrouble(clients).finally(() => {
      troubled = false;
    });
    const [happened, ...last] = await Promise.all([trouble, ...writers]);
    expect(happened.restarts).toEqual([2, 2]);
    expect(happened.redisKills).toBe(3);
    expect(happened.cuts).toBeGreaterThan(ROUNDS / 4);
    for (const [index, client] of clients.entries()) {
      await until(() => client.seen.at(-1)?.version === last[index % 2], 'the last version', 30_000);
      expect(client.seen.map((change) => change.version)).toEqual(range(0, last[index % 2] as number));
      expect(client.connections()).toBeGreaterThan(2);
      await client.stop();
    }
  }, 300_000);
});
