import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { isTransient } from '../../src/stores/database.js';
import { CatalogueScene } from '../support/catalogue-scene.js';
import { MovableClock } from '../support/movable-clock.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

let postgres: TestDatabase;
let scene: CatalogueScene;
let films: string[];
beforeAll(async () => {
  postgres = await testDatabase();
  scene = new CatalogueScene(postgres.database, new MovableClock());
  films = await scene.films('A', 'B');
});
afterAll(() => postgres.drop());

const stored = () =>
  postgres.rows(
    `select s.*, v.version, v.price_per_day, v.film_count from subscriptions s join subscription_versions v on v.subscription_id = s.id
      order by s.id, v.version`,
  );

/** Ends the session of `change` when it is about to write the films of a version. */
async function killed(change: () => Promise<unknown>): Promise<unknown> {
  const blocker = await postgres.database.pool.connect();
  await blocker.query('begin; lock table subscription_version_films in exclusive mode');
  const failure = change().then(
    () => null,
    (error: unknown) => error,
  );
  await until(async () => {
    const ended = await postgres.rows(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock' and query like 'insert into "subscription_version_films"%'`,
    );
    return ended.length === 1;
  });
  await blocker.query('rollback');
  blocker.release();
  return failure;
}

describe('A change of the catalogue whose session is killed in the middle', () => {
  test('leaves no part of a new subscription, and can be made again', async () => {
    expect(isTransient(await killed(() => scene.draft(films)))).toBe(true);
    expect(await postgres.rows('select id from subscriptions union all select id from subscription_versions')).toEqual([]);
    expect(await scene.draft(films)).toMatchObject({ version: 1, status: 'DRAFT' });
  });

  test('leaves a subscription on sale at its words, its terms and its copy, and can be made again', async () => {
    const { id } = await scene.onSale(films);
    const before = await stored();
    scene.copied.length = 0;
    const change = { id, title: 'Other words', pricePerDay: 7, filmIds: films.slice(1) };
    expect(isTransient(await killed(() => scene.update(change)))).toBe(true);
    expect(await stored()).toEqual(before);
    expect(scene.copied).toEqual([]);
    expect(await scene.update(change)).toMatchObject({ title: 'Other words', version: 2, pricePerDay: 7 });
    expect(scene.copied).toEqual([id]);
  });
});

describe('Two admins who change one subscription at once', () => {
  test('make two versions in order, and lose neither change', async () => {
    const { id } = await scene.draft(films, { pricePerDay: 1, durationDays: 1 });
    const made = await Promise.all([
      scene.update({ id, pricePerDay: 9 }),
      scene.update({ id, durationDays: 9 }),
      scene.update({ id, title: 'New words' }),
    ]);
    expect(new Set(made.map(({ version }) => version))).toContain(2);
    expect(await postgres.rows('select version from subscription_versions where subscription_id = $1 order by 1', [id])).toEqual([
      { version: 1 },
      { version: 2 },
      { version: 3 },
    ]);
    const [last] = await scene.catalogue.subscriptionsByIds([id]);
    expect(last).toMatchObject({ version: 3, pricePerDay: 9, durationDays: 9, price: 81, title: 'New words' });
  });

  test('change its `updated_at` twice, although the clock does not move', async () => {
    const { id } = await scene.onSale(films);
    const updatedAt = async () =>
      (await postgres.rows<{ updated_at: Date }>('select updated_at from subscriptions where id = $1', [id]))[0]?.updated_at;
    const before = (await updatedAt())?.getTime() ?? 0;
    await Promise.all([scene.update({ id, title: 'One' }), scene.update({ id, title: 'Two' })]);
    expect((await updatedAt())?.getTime()).toBeGreaterThanOrEqual(before + 2);
  });
});
