import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type DemoParts, loadDemo } from '../../src/demo/catalogue.js';
import { DEMO_VIEWERS } from '../../src/demo/people.js';
import { Database } from '../../src/stores/database.js';
import { CatalogueScene } from '../support/catalogue-scene.js';
import { MovableClock } from '../support/movable-clock.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import { testServices } from '../support/test-services.js';

let postgres: TestDatabase;
const clock = new MovableClock();
/** By their keys, as the ledger keeps them. */
const balances = new Map<string, object>();
/** The subscriptions whose copy to Stripe was begun. */
const copied: string[] = [];

type Adjust = DemoParts['services']['adjustments']['adjust'];

const adjustInMemory: Adjust = async (_caller, input) => {
  balances.set(input.idempotencyKey, input);
  return { errors: [] };
};

beforeAll(async () => {
  postgres = await testDatabase();
});
afterAll(() => postgres.drop());

const loadInto = (database: Database, adjust: Adjust) => {
  const catalogueSync = { synchroniseInBackground: (id: string) => void copied.push(id) };
  return loadDemo({ config: { currency: 'EUR' }, database, clock, services: { adjustments: { adjust }, catalogueSync } });
};
const load = (adjust = adjustInMemory) => loadInto(postgres.database, adjust);

describe('the demo catalogue', () => {
  test('is loaded whole or not at all', async () => {
    const failing = load(async () => {
      throw new Error('no ledger');
    });
    await expect(failing).rejects.toThrow('no ledger');
    expect(await postgres.rows('select id from films')).toEqual([]);
  });

  test('is loaded once by all that start together, and gives one viewer a balance', async () => {
    const loaded = await Promise.all([load(), load(), load()]);
    expect(loaded.sort()).toEqual([false, false, true]);
    expect([...balances.values()]).toMatchObject([{ userId: DEMO_VIEWERS[0].id, amount: 2_500, currency: 'EUR' }]);
    expect(await load()).toBe(false);
    const ids = await postgres.rows<{ id: string }>('select id from subscriptions');
    expect(copied.sort()).toEqual(ids.map(({ id }) => id).sort());
  });

  test('has 40 films with title, year and story, and 5 subscriptions on sale with films and a copy to make', async () => {
    const { catalogue } = new CatalogueScene(postgres.database, clock);
    const films = (await catalogue.films({ first: 100 })).nodes;
    expect(films).toHaveLength(40);
    expect(new Set(films.map((film) => film.title)).size).toBe(40);
    expect(films.find((film) => film.title === 'Metropolis')?.description).toMatch(/^Germany 1927, by Fritz Lang\. /);
    const plans = (await catalogue.subscriptions({ first: 9, status: 'ACTIVE' })).nodes;
    expect(plans).toHaveLength(5);
    expect(plans.every((plan) => plan.stripeSyncStatus === 'PENDING' && plan.currency === 'EUR')).toBe(true);
    const pages = await catalogue.filmsOfVersions(
      plans.map((plan) => plan.versionId),
      { first: 100 },
    );
    expect(pages.every((page) => page.nodes.length >= 5)).toBe(true);
  });
});

test('the demo catalogue is loaded through a pool of one connection', async () => {
  const other = await testDatabase();
  const database = new Database({ url: other.url, poolSize: 1, statementTimeoutMs: 5_000, connectionTimeoutMs: 1_000 });
  const { adjustments } = testServices({ database, clock, environment: { CURRENCY: 'EUR' } });
  try {
    expect(await loadInto(database, (caller, input) => adjustments.adjust(caller, input))).toBe(true);
    expect(await other.rows('select posted from balances')).toEqual([{ posted: 2_500 }]);
  } finally {
    await database.close();
    await other.drop();
  }
});
