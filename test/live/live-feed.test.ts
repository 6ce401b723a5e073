import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { InvalidArgument } from '../../src/services/errors.js';
import { type BalanceChanged, LiveFeed, type LiveFeedSettings } from '../../src/services/live/live-feed.js';
import { CursorExpired, LiveCursors } from '../../src/services/live/starting-point.js';
import type { Queryable } from '../../src/stores/database.js';
import { type HintChannel, LocalHints } from '../../src/stores/hints.js';
import { until } from '../support/until.js';
import { LiveScene, nextOf, range, systemTime, take, WatchedDatabase } from './live-scene.js';

let scene: LiveScene;
const feeds: LiveFeed[] = [];
/** Sweeps so rarely that only a hint can have delivered a change. */
const seldom: LiveFeedSettings = {
  batchCount: 10,
  sweepIntervalMs: 3_600_000,
  quietSweepIntervalMs: 3_600_000,
  retentionMs: 86_400_000,
};
const often: LiveFeedSettings = { ...seldom, sweepIntervalMs: 20 };

beforeAll(async () => {
  scene = await LiveScene.open();
});
afterEach(async () => {
  for (const feed of feeds.splice(0)) await feed.stop();
});
afterAll(async () => {
  await scene.close();
});

function feedWith(hints: HintChannel, settings = seldom, database: Queryable = scene.database): LiveFeed {
  const feed = new LiveFeed({ database, hints, settings, currency: 'EUR', clock: systemTime });
  feeds.push(feed);
  return feed;
}

const versions = (changes: readonly BalanceChanged[]) => changes.map((change) => change.balance.version);

test('without a cursor the present balance comes first, then each change as it left the balance', async () => {
  const hints = new LocalHints();
  const userId = await scene.viewer();
  await scene.change(userId, hints);
  const stream = await feedWith(hints).watchBalance(userId);
  const present = await nextOf(stream);
  expect(present).toMatchObject({ transactionId: null, balance: { userId, version: 1, posted: 7, held: 0, currency: 'EUR' } });
  await scene.change(userId, hints);
  await scene.change(userId, hints);
  const changes = await take(stream, 2);
  expect(changes.map(({ balance }) => [balance.version, balance.posted])).toEqual([
    [2, 14],
    [3, 21],
  ]);
  expect(changes.every((change) => change.transactionId !== null && change.balance.updatedAt instanceof Date)).toBe(true);
});

test('a viewer who never had a balance sees an empty one, and then the first change', async () => {
  const hints = new LocalHints();
  const userId = randomUUID();
  const stream = await feedWith(hints).watchBalance(userId);
  expect((await nextOf(stream)).balance).toEqual({ userId, currency: 'EUR', posted: 0, held: 0, version: 0, updatedAt: null });
  await scene.database.query(
    {
      name: 'test-live-late-balance',
      text: `insert into balances (user_id, currency, created_at, updated_at) values ($1, 'EUR', now(), now())`,
    },
    [userId],
  );
  await scene.change(userId, hints);
  expect((await nextOf(stream)).balance.version).toBe(1);
});

test('after a cursor comes what was missed, in more than one batch, then the live changes', async () => {
  const hints = new LocalHints();
  const userId = await scene.viewer();
  const feed = feedWith(hints);
  const { cursor } = await nextOf(await feed.watchBalance(userId));
  for (let count = 0; count < 35; count++) await scene.change(userId, hints);
  const stream = await feed.watchBalance(userId, cursor);
  expect(versions(await take(stream, 35))).toEqual(range(1, 35));
  await scene.change(userId, hints);
  expect((await nextOf(stream)).balance.version).toBe(36);
});

test('a change of a grant does not show among those of the balance, nor the other way round', async () => {
  const hints = new LocalHints();
  const userId = await scene.viewer();
  const feed = feedWith(hints);
  const balances = await feed.watchBalance(userId);
  await nextOf(balances);
  const grants = await feed.watchGrants(userId);
  const [first, second] = [randomUUID(), randomUUID()];
  await scene.change(userId, hints);
  await scene.changeGrant(userId, first, hints);
  await scene.change(userId, hints, second);
  expect((await take(grants, 2)).map((change) => change.grantId)).toEqual([first, second]);
  expect(versions(await take(balances, 2))).toEqual([1, 2]);
});

test('the current grants come oldest first; only the last one has a cursor that resumes after them', async () => {
  const hints = new LocalHints();
  const userId = await scene.viewer();
  const feed = feedWith(hints);
  const newest = await scene.grant(userId, 'ACTIVE', 1);
  const oldest = await scene.grant(userId, 'SUSPENDED', 9);
  const middle = await scene.grant(userId, 'ACTIVE', 5);
  await scene.grant(userId, 'EXPIRED', 3);
  await scene.changeGrant(userId, newest, hints);
  const changes = await take(await feed.watchGrants(userId), 3);
  expect(changes.map((change) => change.grantId)).toEqual([oldest, middle, newest]);
  const again = await take(await feed.watchGrants(userId, changes[1]?.cursor), 3);
  expect(again).toEqual(changes);
  const stream = await feed.watchGrants(userId, changes[2]?.cursor);
  await scene.changeGrant(userId, middle, hints);
  expect((await nextOf(stream)).grantId).toBe(middle);
});

test('a cursor is refused when it is malformed, of another viewer or of the other kind', async () => {
  const [userId, other] = [await scene.viewer(), await scene.viewer()];
  const feed = feedWith(new LocalHints());
  const { cursor } = await nextOf(await feed.watchBalance(userId));
  for (const malformed of ['', 'x', '0'.repeat(18), `${cursor}A`, cursor.replace(/.$/, '!')]) {
    await expect(feed.watchBalance(userId, malformed)).rejects.toThrow(
      new InvalidArgument('after', '`after` is not a valid cursor.'),
    );
  }
  await expect(feed.watchBalance(other, cursor)).rejects.toThrow('`after` is a cursor of another viewer.');
  await expect(feed.watchGrants(userId, cursor)).rejects.toThrow('`after` is a cursor of balanceChanged.');
  expect(feed.statistics().streams).toBe(1);
});

test('a cursor expires when the change that follows it is older than cursors are valid, and not before', async () => {
  const userId = await scene.viewer();
  const feed = feedWith(new LocalHints());
  const stream = await feed.watchBalance(userId);
  const present = await nextOf(stream);
  for (let count = 0; count < 5; count++) await scene.change(userId, null);
  const changes = await take(await feed.watchBalance(userId, present.cursor), 5);
  await scene.age(userId, 3);
  await expect(feed.watchBalance(userId, present.cursor)).rejects.toThrow(CursorExpired);
  await expect(feed.watchBalance(userId, changes[1]?.cursor)).rejects.toThrow(CursorExpired);
  expect(versions(await take(await feed.watchBalance(userId, changes[2]?.cursor), 2))).toEqual([4, 5]);
  await scene.age(userId, 5);
  await expect(feed.watchBalance(userId, changes[3]?.cursor)).rejects.toThrow(CursorExpired);
  const upToDate = await feed.watchBalance(userId, changes[4]?.cursor);
  await scene.change(userId, null);
  await upToDate.return?.();
  expect(versions(await take(await feed.watchBalance(userId, changes[4]?.cursor), 1))).toEqual([6]);
});

test('a cursor from before the journal continues with the next change if nothing was missed, and is expired otherwise', async () => {
  const [userId, hints] = [await scene.viewerWithGenesis(), new LocalHints()];
  const feed = feedWith(hints);
  const [balances, grants] = [new LiveCursors(userId, 'BALANCE'), new LiveCursors(userId, 'GRANT')];
  await expect(feed.watchBalance(userId, balances.at(6))).rejects.toThrow(CursorExpired);
  const streams = [await feed.watchBalance(userId, balances.at(7)), await feed.watchGrants(userId, grants.at(7))] as const;
  const grantId = randomUUID();
  await scene.change(userId, hints, grantId);
  expect(await nextOf(streams[0])).toMatchObject({ cursor: balances.at(10), balance: { version: 1 } });
  expect(await nextOf(streams[1])).toEqual({ cursor: grants.at(11), grantId });
  expect(versions(await take(await feed.watchBalance(userId, balances.at(7)), 1))).toEqual([1]);
});

test('a cursor with a number that no journal can reach is expired', async () => {
  const userId = await scene.viewer();
  const feed = feedWith(new LocalHints());
  for (const number of [2 ** 31 - 1, 2 ** 32 - 2]) {
    await expect(feed.watchBalance(userId, new LiveCursors(userId, 'BALANCE').at(number))).rejects.toThrow(CursorExpired);
  }
});

test('a cursor from the future, as after a restored database, is expired', async () => {
  const [userId, hints] = [await scene.viewer(), new LocalHints()];
  const feed = feedWith(hints);
  await scene.change(userId, hints);
  const { cursor } = await nextOf(await feed.watchBalance(userId));
  await scene.database.query(
    { name: 'test-live-restore', text: 'update balances set journal_sequence = 0, version = 0, posted = 0 where user_id = $1' },
    [userId],
  );
  await expect(feed.watchBalance(userId, cursor)).rejects.toThrow(CursorExpired);
});

test('a stream that was stalled for longer than cursors are valid continues with every change', async () => {
  const [userId, hints] = [await scene.viewer(), new LocalHints()];
  const stream = await feedWith(hints).watchBalance(userId);
  await nextOf(stream);
  for (let count = 0; count < 3; count++) await scene.change(userId, null);
  await scene.age(userId, 2);
  expect(versions(await take(stream, 3))).toEqual([1, 2, 3]);
});

test('a subscriber who takes nothing makes the feed read nothing more', async () => {
  const [userId, hints] = [await scene.viewer(), new LocalHints()];
  const watched = new WatchedDatabase(scene.database);
  const stream = await feedWith(hints, seldom, watched).watchBalance(userId);
  await nextOf(stream);
  await scene.change(userId, hints);
  await nextOf(stream);
  const before = watched.statements.length;
  for (let count = 0; count < 50; count++) await scene.change(userId, hints);
  expect(watched.statements).toHaveLength(before);
  await nextOf(stream);
  expect(watched.statements).toHaveLength(before + 1);
  expect(versions(await take(stream, 49))).toEqual(range(3, 51));
  expect(watched.statements).toHaveLength(before + 5);
});

test('many viewers are read in few statements', async () => {
  const hints = new LocalHints();
  const watched = new WatchedDatabase(scene.database);
  const feed = feedWith(hints, seldom, watched);
  const viewers = await Promise.all(range(1, 100).map(() => scene.viewer()));
  const streams = await Promise.all(viewers.map((userId) => feed.watchBalance(userId)));
  await Promise.all(streams.map((stream) => take(stream, 1)));
  await Promise.all(viewers.map((userId) => scene.change(userId, null)));
  const before = watched.statements.length;
  const waiting = streams.map((stream) => nextOf(stream));
  await Promise.all(waiting);
  expect(watched.statements.length - before).toBeLessThanOrEqual(4);
});

test('a stream outlives a database that is away for a while', async () => {
  const [userId, hints] = [await scene.viewer(), new LocalHints()];
  const watched = new WatchedDatabase(scene.database);
  const feed = feedWith(hints, often, watched);
  const stream = await feed.watchBalance(userId);
  await nextOf(stream);
  watched.failing = true;
  const next = nextOf(stream);
  await scene.change(userId, hints);
  await until(() => watched.statements.filter((name) => name === 'sweep-live-events').length > 2, 'sweeps that fail');
  watched.failing = false;
  expect((await next).balance.version).toBe(1);
});

test('a defect in the telling of a change ends its stream, and nothing else', async () => {
  const [userId, hints] = [await scene.viewer(), new LocalHints()];
  const onLag = () => {
    throw new TypeError('a defect');
  };
  const clock = { now: () => new Date(0) };
  const feed = new LiveFeed({ database: scene.database, hints, settings: seldom, currency: 'EUR', clock, onLag });
  feeds.push(feed);
  for (const pushed of [false, true]) {
    const stream = await feed.watchBalance(userId);
    const taken = pushed ? stream.pushTo(() => undefined) : nextOf(stream).then(() => nextOf(stream));
    await scene.change(userId, hints);
    await expect(taken).rejects.toThrow('a defect');
    expect(await stream.next()).toEqual({ value: undefined, done: true });
  }
  expect(feed.statistics()).toEqual({ viewers: 0, streams: 0 });
});

test('who stops waiting is let go at once, and is no longer listened for', async () => {
  const [userId, hints] = [await scene.viewer(), new LocalHints()];
  const feed = feedWith(hints);
  const stream = await feed.watchBalance(userId);
  await nextOf(stream);
  const waiting = stream.next();
  expect(hints.hears(userId)).toBe(true);
  await stream.return?.();
  expect(await waiting).toEqual({ value: undefined, done: true });
  expect(hints.hears(userId)).toBe(false);
  expect(feed.statistics()).toEqual({ viewers: 0, streams: 0 });
});

test('stopping the feed ends every stream', async () => {
  const [userId, hints] = [await scene.viewer(), new LocalHints()];
  const feed = feedWith(hints);
  const stream = await feed.watchGrants(userId);
  const waiting = stream.next();
  await feed.stop();
  expect((await waiting).done).toBe(true);
  await expect(feed.watchGrants(userId)).rejects.toThrow('stopped');
});
