import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { LiveFeed, type LiveFeedSettings } from '../../src/services/live/live-feed.js';
import { LiveCursors } from '../../src/services/live/starting-point.js';
import type { Queryable } from '../../src/stores/database.js';
import { type HintChannel, type HintState, LocalHints } from '../../src/stores/hints.js';
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

/** Hears all nodes, as far as it knows. */
class HintsOfAllNodes extends LocalHints {
  override state(): HintState {
    return 'CONNECTED';
  }
}

/** Repeatedly cuts the stream off at an arbitrary point and resumes after the last cursor, until the last change. */
async function readInManyLives<Change extends { cursor: string }>(
  watch: (after: string | null) => Promise<AsyncIterableIterator<Change>>,
  seed: number,
  isLast: (change: Change) => boolean,
): Promise<Change[]> {
  const seen: Change[] = [];
  const goesOn = () => seen.length === 0 || !isLast(seen.at(-1) as Change);
  for (let life = 0; goesOn(); life++) {
    const stream = await watch(seen.at(-1)?.cursor ?? null);
    const lifetime = 1 + ((life * 7 + seed * 5) % 23);
    for (let count = 0; count < lifetime && goesOn(); count++) seen.push(await nextOf(stream));
    await stream.return?.();
  }
  return seen;
}

test('balances: no gap and no duplicate while changes, catching up and subscribing race', async () => {
  const hints = new LocalHints();
  const userId = await scene.viewer();
  const feed = feedWith(hints);
  const total = 400;
  const writers = range(1, 4).map(async () => {
    for (let count = 0; count < total / 4; count++) await scene.change(userId, hints);
  });
  const readers = range(1, 12).map((seed) =>
    readInManyLives(
      (after) => feed.watchBalance(userId, after),
      seed,
      (change) => change.balance.version === total,
    ),
  );
  await Promise.all(writers);
  for (const seen of await Promise.all(readers)) {
    const versions = seen.map((change) => change.balance.version);
    expect(versions).toEqual(range(versions[0] as number, total));
  }
  expect(feed.statistics()).toEqual({ viewers: 0, streams: 0 });
});

test('grants: no gap and no duplicate while changes of grants and of the balance, catching up and subscribing race', async () => {
  const hints = new LocalHints();
  const userId = await scene.viewer();
  const present = await scene.grant(userId);
  const feed = feedWith(hints);
  const last = randomUUID();
  const written: { sequence: number; grantId: string }[] = [];
  const changeGrant = async (grantId: string) => {
    written.push({ sequence: await scene.changeGrant(userId, grantId, hints), grantId });
  };
  const writers = range(1, 4).map(async (writer) => {
    for (const number of range(1, 100)) {
      // Balance events come in between, which these streams do not deliver.
      if ((number + writer) % 3 === 0) await scene.change(userId, hints);
      else await changeGrant(randomUUID());
    }
  });
  const readers = range(1, 12).map((seed) =>
    readInManyLives(
      (after) => feed.watchGrants(userId, after),
      seed,
      (change) => change.grantId === last,
    ),
  );
  await Promise.all(writers);
  await changeGrant(last);
  written.sort((left, right) => left.sequence - right.sequence);
  for (const [first, ...changes] of await Promise.all(readers)) {
    expect(first?.grantId).toBe(present);
    const { sequence: begun } = new LiveCursors(userId, 'GRANT').read(first?.cursor as string);
    const expected = written.filter(({ sequence }) => sequence > (begun as number));
    expect(changes.map(({ grantId }) => grantId)).toEqual(expected.map(({ grantId }) => grantId));
  }
  expect(feed.statistics()).toEqual({ viewers: 0, streams: 0 });
});

test.each<[heard: string, hints: HintChannel, settings: LiveFeedSettings]>([
  ['no other node', new LocalHints(), { ...seldom, sweepIntervalMs: 20 }],
  ['all nodes', new HintsOfAllNodes(), { ...seldom, sweepIntervalMs: 20, quietSweepIntervalMs: 60, retentionMs: 86_400_000 }],
])('the sweep of a node that hears %s finds what no hint announced', async (_heard, hints, settings) => {
  const userId = await scene.viewer();
  const stream = await feedWith(hints, settings).watchBalance(userId);
  expect((await nextOf(stream)).balance.version).toBe(0);
  for (let count = 0; count < 25; count++) await scene.change(userId, null);
  expect((await take(stream, 25)).map((change) => change.balance.version)).toEqual(range(1, 25));
  // Once more, from rest.
  const waiting = nextOf(stream);
  await scene.change(userId, null);
  expect((await waiting).balance.version).toBe(26);
});

test('an old answer to a read, overtaken by the sweep, does not pass for events that were swept', async () => {
  const [userId, hints] = [await scene.viewer(), new LocalHints()];
  const watched = new WatchedDatabase(scene.database);
  const stream = await feedWith(hints, { ...seldom, sweepIntervalMs: 20 }, watched).watchBalance(userId);
  await nextOf(stream);
  const reads = () => watched.statements.filter((name) => name === 'read-live-events').length;
  const sweeps = () => watched.statements.filter((name) => name === 'sweep-live-events').length;
  let release: () => void = () => undefined;
  watched.keptBack = { name: 'read-live-events', until: new Promise((resolve) => (release = resolve)) };
  const next = nextOf(stream);
  await until(() => reads() === 1 && watched.answered.includes('read-live-events'), 'a read that finds nothing');
  await scene.change(userId, null);
  const before = sweeps();
  await until(() => sweeps() > before + 2, 'a sweep that knows of the change');
  watched.keptBack = null;
  release();
  expect((await next).balance.version).toBe(1);
});
