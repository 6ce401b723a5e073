import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { Database } from '../../src/stores/database.js';

/** As in production. */
const VIEWER_PLACES = { maximumCount: 2, queueCount: 200 };

export interface TestDatabase {
  readonly url: string;
  readonly database: Database;
  /** Any SQL, for arranging and looking. */
  rows<Row = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Runs a statement that triggers and foreign keys would refuse. */
  pastTriggers(text: string): Promise<void>;
  /** Empties tables and those that refer to them, although the database refuses to truncate what is history. */
  empty(...tables: string[]): Promise<void>;
  drop(): Promise<void>;
}

/** A database of its own, migrated and empty. Call `drop` when done. */
export async function testDatabase(): Promise<TestDatabase> {
  const template = process.env.TEST_TEMPLATE_URL;
  if (!template) throw new Error('TEST_TEMPLATE_URL is not set: run the tests by `npm test`');
  const name = `test_${process.env.JEST_WORKER_ID ?? 0}_${randomBytes(6).toString('hex')}`;
  await asAdmin(template, `create database ${name} template ${new URL(template).pathname.slice(1)} strategy file_copy`);
  const url = new URL(template);
  url.pathname = `/${name}`;
  const database = new Database({
    url: url.href,
    poolSize: 8,
    statementTimeoutMs: 10_000,
    connectionTimeoutMs: 5_000,
    viewerPlaces: VIEWER_PLACES,
  });
  return {
    url: url.href,
    database,
    rows: async <Row>(text: string, values: readonly unknown[] = []) =>
      (await database.pool.query(text, values as unknown[])).rows as Row[],
    pastTriggers: async (text) => {
      await database.pool.query(pastTriggers(text));
    },
    empty: async (...tables) => {
      await database.pool.query(emptying(tables));
    },
    drop: async () => {
      await database.close();
      await asAdmin(template, `drop database if exists ${name} with (force)`);
    },
  };
}

/** Two statements at once, which Postgres runs in one transaction. */
const pastTriggers = (text: string) => `set local session_replication_role = replica; ${text}`;

export const emptying = (tables: readonly string[]) => pastTriggers(`truncate ${tables.join(', ')} cascade`);

async function asAdmin(template: string, statement: string): Promise<void> {
  const url = new URL(template);
  url.pathname = '/postgres';
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
