import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execute, type GraphQLSchema, parse } from 'graphql';
import { composeSchema } from '../../src/gateway/graphql/schema.js';
import { createContext } from '../../src/resolvers/context.js';
import type { Database, Statement } from '../../src/stores/database.js';
import { stubServices } from '../gateway/gateway-kit.js';
import { CatalogueScene } from '../support/catalogue-scene.js';
import { MovableClock } from '../support/movable-clock.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import { testServices } from '../support/test-services.js';

let postgres: TestDatabase;
let schema: GraphQLSchema;
const clock = new MovableClock();
const statements: string[] = [];

beforeAll(async () => {
  postgres = await testDatabase();
  schema = await composeSchema();
  const scene = new CatalogueScene(postgres.database, clock);
  const films = await scene.films(...Array.from({ length: 30 }, (_none, index) => `Film ${index}`));
  for (let start = 0; start < 20; start += 4) await scene.onSale(films.slice(start, start + 10), { pricePerDay: start });
});
afterAll(() => postgres.drop());

const counted = {
  query: (statement: Statement, values: readonly unknown[]) => {
    statements.push(statement.name);
    return postgres.database.query(statement, values);
  },
} as Database;

/** The statements that a query takes when nothing is cached; errors end the test. */
async function statementsOf(query: string): Promise<string[]> {
  statements.length = 0;
  const { catalogue, access } = testServices({ database: counted, clock });
  const services = stubServices({ catalogue, access });
  const caller = { userId: randomUUID(), role: 'VIEWER' } as const;
  const contextValue = createContext({ caller, requestId: 'test', services, now: clock.now() });
  const result = await execute({ schema, document: parse(query), contextValue });
  expect(result.errors).toBeUndefined();
  return [...statements];
}

describe('A nested query of the catalogue', () => {
  test.each([2, 30])('for %i films with what is on sale and its films takes one statement for each level', async (first) => {
    const query = `{ films(first: ${first}) { nodes { title subscriptions { nodes { title films(first: 3) { nodes { title } } } } } } }`;
    expect(await statementsOf(query)).toEqual(['films-by-title', 'subscriptions-of-films', 'films-of-versions']);
  });

  test.each([2, 30])('for %i films with access and offers takes one statement for each level', async (first) => {
    const query = `{ films(first: ${first}) { nodes { access { reason offers { title price { amount } } } } } }`;
    expect(await statementsOf(query)).toEqual(['films-by-title', 'grants-and-films-for-access', 'subscriptions-of-films']);
  });

  test('for subscriptions with their films, and for each what else has it, takes one statement for each kind of thing', async () => {
    const query =
      '{ subscriptions { nodes { films { nodes { title subscriptions { nodes { title } } access { allowed } } } } } }';
    expect((await statementsOf(query)).sort()).toEqual([
      'films-of-versions',
      'grants-and-films-for-access',
      'subscriptions-by-price',
      'subscriptions-of-films',
    ]);
  });
});

describe('a long text of a row that many parents share', () => {
  let transferred: string[] = [];
  const watched = {
    query: async (statement: Statement, values: readonly unknown[]) => {
      const rows = await postgres.database.query<{ description?: string | null }>(statement, values);
      transferred = rows.flatMap(({ description }) => description ?? []);
      return rows;
    },
  } as Database;
  const { catalogue } = testServices({ database: watched, clock });
  beforeAll(async () => {
    await postgres.rows(`update films set description = 'Film ' || id`);
    await postgres.rows(`update subscriptions set description = 'Plan ' || id`);
  });

  test('comes once from Postgres for a film of several plans, and each plan has it', async () => {
    const { nodes: plans } = await catalogue.subscriptions({ first: 10, status: 'ACTIVE' });
    const pages = await catalogue.filmsOfVersions(
      plans.map(({ versionId }) => versionId),
      { first: 10 },
    );
    const films = pages.flatMap(({ nodes }) => nodes);
    expect(films.map(({ description }) => description)).toEqual(films.map(({ id }) => `Film ${id}`));
    expect(new Set(transferred).size).toBeLessThan(films.length);
    expect(transferred).toHaveLength(new Set(transferred).size);
  });

  test('comes once from Postgres for a plan of several films, and each film has it', async () => {
    const { nodes: films } = await catalogue.films({ first: 30 });
    const pages = await catalogue.subscriptionsOfFilms(
      films.map(({ id }) => id),
      { first: 10 },
    );
    const plans = pages.flatMap(({ nodes }) => nodes);
    expect(plans.map(({ description }) => description)).toEqual(plans.map(({ id }) => `Plan ${id}`));
    expect(new Set(transferred).size).toBeLessThan(plans.length);
    expect(transferred).toHaveLength(new Set(transferred).size);
  });
});
