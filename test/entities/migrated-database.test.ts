import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { MikroORM } from '@mikro-orm/postgresql';
import settings from '../../mikro-orm.config.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';

describe('entities and migrations', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await testDatabase();
  });
  afterAll(() => db.drop());

  test('the migrated database is what the entities say: no difference is pending', async () => {
    const orm = await MikroORM.init({ ...settings, clientUrl: db.url });
    try {
      expect(await orm.schema.getUpdateSchemaSQL({ wrap: false })).toBe('');
    } finally {
      await orm.close(true);
    }
  });

  test('every instant is kept with its zone, and every amount as bigint', async () => {
    const columns = await db.rows<{ name: string; type: string }>(
      `select table_name || '.' || column_name as name, data_type as type from information_schema.columns
       where table_schema = 'public' and table_name not like '%mikro_orm%' and table_name not like 'agenda%'`,
    );
    const amounts = columns.filter(({ name }) =>
      /\.(amount|posted|held|price|price_per_day|balance_after|captured_amount)$/.test(name),
    );
    expect(amounts.length).toBeGreaterThan(10);
    expect(amounts.filter(({ type }) => type !== 'bigint')).toEqual([]);
    expect(columns.filter(({ type }) => type.startsWith('timestamp') && type !== 'timestamp with time zone')).toEqual([]);
    expect(columns.filter(({ type }) => type === 'real' || type === 'double precision' || type === 'numeric')).toEqual([]);
  });
});

describe('one writer', () => {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  const writes = /(insert\s+into|update|delete\s+from)\s+(balances|transactions|holds)\b/i;

  test('only src/services/ledger writes balances, transactions and holds', () => {
    const writers = files.filter((file) => writes.test(readFileSync(path.join('src', file), 'utf8')));
    expect(writers.length).toBeGreaterThan(0);
    expect(writers.filter((file) => !file.startsWith(path.join('services', 'ledger')))).toEqual([]);
  });
});
