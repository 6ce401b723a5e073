import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { LiveFeed } from '../../src/services/live/live-feed.js';
import type { Database } from '../../src/stores/database.js';
import { RedisHints } from '../../src/stores/redis-hints.js';
import { type Following, follow } from './following-client.js';
import { LiveScene, openDatabase, range, until } from './live-scene.js';
import { describeWithRedisServer, RedisServer } from './redis-server.js';
import { SocketScene, tokenOf } from './socket-scene.js';

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
    const settings = { batchCount: 20, sweepIntervalMs: 250, quietSweepIntervalMs: 3_600_000 };
    this.feed = new LiveFeed({ database: this.database, hints: this.hints, settings, currency: 'EUR' });
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

  test('1,000 changes while sockets break, nodes restart and Redis dies: each client gets exactly the versions there are', async () => {
    const total = 1_000;
    const viewers = [await scene.viewer(), await scene.viewer()];
    const clients = range(0, 7).map((index) => followOn(nodeAt(index), viewers[index % 2 === 0 ? 0 : 1] as string));
    await until(() => clients.every((client) => client.seen.length === 1), 'all present');
    let done = 0;
    const writing = range(1, total / 2).map((number) => number);
    const writers = viewers.map(async (userId) => {
      for (const number of writing) {
        await scene.change(userId, nodeAt(number).hints);
        done++;
        if (number % 5 === 0) await new Promise((resolve) => setTimeout(resolve, 10));
      }
    });
    const trouble = (async () => {
      for (let round = 0; done < total; round++) {
        clients[(round * 3) % clients.length]?.cut();
        clients[(round * 5 + 1) % clients.length]?.cut();
        if (round % 9 === 4) {
          await nodeAt(round).stop();
          await nodeAt(round).start();
        }
        if (round % 13 === 6) {
          await redis.kill();
          await new Promise((resolve) => setTimeout(resolve, 100));
          await redis.start();
        }
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    })();
    await Promise.all([...writers, trouble]);
    const complete = (client: Following<Change>) => client.seen.at(-1)?.version === total / 2;
    await until(() => clients.every(complete), 'everyone has the last version', 20_000);
    for (const client of clients) {
      expect(client.seen.map((change) => change.version)).toEqual(range(0, total / 2));
      await client.stop();
    }
  }, 90_000);
});
