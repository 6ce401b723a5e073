import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Access } from '../../src/services/access/access.js';
import { InvalidArgument } from '../../src/services/errors.js';
import type { Database, Statement } from '../../src/stores/database.js';
import { admin, CatalogueScene, defaultLimits } from '../support/catalogue-scene.js';
import { MovableClock } from '../support/movable-clock.js';
import { ADMIN } from '../support/shop.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import { testServices } from '../support/test-services.js';

let postgres: TestDatabase;
let scene: CatalogueScene;
let access: Access;
let clock: MovableClock;
const statements: string[] = [];
/** When set, statements wait for it before they run. */
let held: Promise<void> | null = null;

beforeAll(async () => {
  postgres = await testDatabase();
});
afterAll(() => postgres.drop());
beforeEach(() => {
  held = null;
  clock = new MovableClock();
  scene = new CatalogueScene(postgres.database, clock);
  const counting = {
    query: async (statement: Statement, values: readonly unknown[]) => {
      statements.push(statement.name);
      await held;
      return postgres.database.query(statement, values);
    },
  } as Database;
  access = testServices({ database: counting, clock }).access;
});

/** A gift, which needs no ledger. */
async function give(userId: string, versionId: string, days: number): Promise<string> {
  const id = randomUUID();
  const now = clock.now();
  await postgres.rows(
    `insert into grants (id, user_id, version_id, status, paid_with, price_per_day, duration_days, currency, granted_at, starts_at,
       available_until, text_digest, actor_id)
     values ($1, $2, $3, 'ACTIVE', 'GIFT', 100, $4, 'USD', $5, $5, $6, 'test', $7)`,
    [id, userId, versionId, days, now, new Date(now.getTime() + days * 24 * 60 * 60 * 1000), admin.userId],
  );
  return id;
}

describe('access that many ask for at once', () => {
  const crowd = async (count: number) => {
    const films = await scene.films('A');
    const plan = await scene.onSale(films);
    const viewers = Array.from({ length: count }, () => randomUUID());
    for (const viewer of viewers.filter((_viewer, index) => index % 2 === 0)) await give(viewer, plan.versionId, 9);
    await access.decide(null, films);
    await access.decide(viewers[0] as string, films);
    statements.length = 0;
    return { films, viewers };
  };

  test('is read by one statement, and each viewer gets their own grants', async () => {
    const { films, viewers } = await crowd(40);
    const asked = [...viewers, ...viewers.slice(0, 5), null];
    const decisions = await Promise.all(asked.map((viewer) => access.decide(viewer, films)));
    expect(statements).toEqual(['grants-for-access']);
    expect(decisions.map(([decision]) => decision?.allowed)).toEqual(
      asked.map((viewer) => viewer !== null && viewers.indexOf(viewer) % 2 === 0),
    );
  });

  test('runs no more statements than are set; who comes meanwhile shares the next one, which sees what was committed by then', async () => {
    const { films, viewers } = await crowd(6);
    let release = () => {};
    held = new Promise((resolve) => {
      release = resolve;
    });
    const turn = () => new Promise(setImmediate);
    const answers = [];
    for (const viewer of viewers) {
      answers.push(access.decide(viewer, films));
      await turn();
      await turn();
    }
    expect(statements).toHaveLength(defaultLimits.accessStatementsMaximumCount);
    await postgres.rows(`update grants set status = 'REVOKED', ended_at = $2 where user_id = $1`, [viewers[4], clock.now()]);
    release();
    const reasons = (await Promise.all(answers)).map(([decision]) => decision?.reason);
    expect(reasons).toEqual(['GRANTED', 'NO_GRANT', 'GRANTED', 'NO_GRANT', 'REVOKED', 'NO_GRANT']);
    expect(statements).toHaveLength(defaultLimits.accessStatementsMaximumCount + 1);
  });

  test('fails for those who shared a statement that failed, and works for the next', async () => {
    const { films, viewers } = await crowd(4);
    held = Promise.reject(new Error('the line broke'));
    const outcomes = await Promise.allSettled(viewers.map((viewer) => access.decide(viewer, films)));
    expect(outcomes.map(({ status }) => status)).toEqual(Array(4).fill('rejected'));
    held = null;
    expect((await access.decide(viewers[0] as string, films))[0]).toMatchObject({ allowed: true });
  });

  test('goes out in parts when they are more than one statement is for', async () => {
    const { films, viewers } = await crowd(defaultLimits.accessBatchMaximumCount + 1);
    await Promise.all(viewers.map((viewer) => access.decide(viewer, films)));
    expect(statements).toHaveLength(2);
  });
});

describe('access', () => {
  test('is answered for each film, in the order asked, however the id is written and however often', async () => {
    const [mine = '', other = ''] = await scene.films('Mine', 'Other');
    const plan = await scene.onSale([mine]);
    const viewer = randomUUID();
    const grantId = await give(viewer, plan.versionId, 2);
    const unknown = randomUUID();
    const asked = [other, mine, 'no uuid', mine.toUpperCase(), unknown, mine];
    const decisions = await access.decide(viewer, asked);
    expect(decisions.map((decision) => [decision.filmId, decision.reason])).toEqual([
      [other, 'NO_GRANT'],
      [mine, 'GRANTED'],
      ['no uuid', 'UNKNOWN_FILM'],
      [mine.toUpperCase(), 'GRANTED'],
      [unknown, 'UNKNOWN_FILM'],
      [mine, 'GRANTED'],
    ]);
    expect(decisions[1]).toMatchObject({ grantId, availableUntil: new Date('2026-03-03T12:00:00.000Z') });
  });

  test('ends with the last millisecond, without any job', async () => {
    const films = await scene.films('A');
    const viewer = randomUUID();
    await give(viewer, (await scene.onSale(films)).versionId, 1);
    clock.advanceMs(24 * 60 * 60 * 1000 - 1);
    expect((await access.decide(viewer, films))[0]).toMatchObject({ allowed: true });
    clock.advanceMs(1);
    expect((await access.decide(viewer, films))[0]).toMatchObject({ allowed: false, reason: 'EXPIRED' });
  });

  test('is for what was sold, whatever became of the subscription', async () => {
    const [a = '', b = ''] = await scene.films('A', 'B');
    const plan = await scene.onSale([a]);
    const viewer = randomUUID();
    await give(viewer, plan.versionId, 9);
    await scene.update({ id: plan.id, filmIds: [b] });
    await scene.admin.archiveSubscription(ADMIN, plan.id);
    expect((await access.decide(viewer, [a, b])).map((decision) => decision.allowed)).toEqual([true, false]);
  });

  test('is nobody else’s, and without a token as for who has bought nothing', async () => {
    const films = await scene.films('A');
    await give(randomUUID(), (await scene.onSale(films)).versionId, 9);
    for (const other of [randomUUID(), null]) {
      expect((await access.decide(other, films))[0]).toMatchObject({ allowed: false, reason: 'NO_GRANT', grantId: null });
    }
    expect((await access.decide(null, [randomUUID()]))[0]).toMatchObject({ reason: 'UNKNOWN_FILM' });
  });

  test('is not lost among thousands of other grants, whichever of them lasts longer', async () => {
    const [free = '', paid = '', over = ''] = await scene.films('Free', 'Paid', 'Over');
    const viewer = randomUUID();
    const plans = { free: await scene.onSale([free]), paid: await scene.onSale([paid]), over: await scene.onSale([over]) };
    await give(viewer, plans.over.versionId, 1);
    clock.advanceMs(2 * 24 * 60 * 60 * 1000);
    const paidGrantId = await give(viewer, plans.paid.versionId, 30);
    await postgres.rows(
      `insert into grants (id, user_id, version_id, status, paid_with, price_per_day, duration_days, currency, granted_at, starts_at,
         available_until, text_digest, actor_id)
       select gen_random_uuid(), $1, $2, 'ACTIVE', 'GIFT', 0, 3660, 'USD', $3::timestamptz + day * interval '1 second', $3::timestamptz + day * interval '1 second',
         $3::timestamptz + day * interval '1 second' + interval '3660 days', 'test', $4 from generate_series(1, 2500) day`,
      [viewer, plans.free.versionId, clock.now(), admin.userId],
    );
    const decisions = await access.decide(viewer, [free, paid, over]);
    expect(decisions.map(({ reason }) => reason)).toEqual(['GRANTED', 'GRANTED', 'EXPIRED']);
    expect(decisions[1]).toMatchObject({ grantId: paidGrantId });
    const longest = new Date(clock.now().getTime() + 2_500_000 + 3_660 * 24 * 60 * 60 * 1000);
    expect(decisions[0]).toMatchObject({ availableUntil: longest });
  });

  test('follows a change of the grant at once', async () => {
    const films = await scene.films('A');
    const viewer = randomUUID();
    const id = await give(viewer, (await scene.onSale(films)).versionId, 9);
    expect((await access.decide(viewer, films))[0]).toMatchObject({ reason: 'GRANTED' });
    await postgres.rows(`update grants set status = 'REVOKED', ended_at = $2 where id = $1`, [id, clock.now()]);
    expect((await access.decide(viewer, films))[0]).toMatchObject({ reason: 'REVOKED', grantId: id });
  });

  test('sees a film and a version that came after the last question', async () => {
    const id = randomUUID();
    const viewer = randomUUID();
    expect((await access.decide(viewer, [id]))[0]).toMatchObject({ reason: 'UNKNOWN_FILM' });
    await scene.admin.createFilms(ADMIN, [{ id, title: 'Late' }]);
    expect((await access.decide(viewer, [id]))[0]).toMatchObject({ reason: 'NO_GRANT' });
    await give(viewer, (await scene.onSale([id])).versionId, 9);
    expect((await access.decide(viewer, [id]))[0]).toMatchObject({ reason: 'GRANTED' });
  });

  test('to 500 films of many grants takes one statement, once the films of the versions are known', async () => {
    const films = await scene.films(...Array.from({ length: 500 }, (_none, index) => `Film ${index}`));
    const viewer = randomUUID();
    const plans = [films.slice(0, 200), films.slice(100, 300), films.slice(250, 400)];
    for (const part of plans) await give(viewer, (await scene.onSale(part)).versionId, 9);
    statements.length = 0;
    expect((await access.decide(viewer, films)).filter((decision) => decision.allowed)).toHaveLength(400);
    expect(statements).toEqual(['grants-and-films-for-access', 'film-ids-of-versions']);
    statements.length = 0;
    await access.decide(viewer, films);
    expect(statements).toEqual(['grants-for-access']);
  });

  test('to no films, or to more than 500, is not a question', async () => {
    await expect(access.decide(randomUUID(), [])).rejects.toThrow(InvalidArgument);
    const many = Array.from({ length: 501 }, () => randomUUID());
    await expect(access.decide(randomUUID(), many)).rejects.toThrow(InvalidArgument);
    expect(await access.decideAny(randomUUID(), many)).toHaveLength(501);
  });
});
