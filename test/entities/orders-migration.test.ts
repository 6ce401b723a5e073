import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { MikroORM } from '@mikro-orm/postgresql';
import pg from 'pg';
import settings from '../../mikro-orm.config.js';
import { newId } from '../../src/services/ids.js';

const BEFORE = 'Migration20261128084500';
const CREATED = '2026-11-27T10:00:00.000Z';

describe('orders from before they could be PROCESSING or CANCELLED', () => {
  const name = `orders_migration_${process.pid}`;
  const url = new URL(process.env.TEST_TEMPLATE_URL as string);
  let admin: pg.Client;
  let client: pg.Client;
  let orm: MikroORM;
  beforeAll(async () => {
    admin = new pg.Client({ connectionString: url.href });
    await admin.connect();
    await admin.query(`create database ${name}`);
    const own = new URL(url.href);
    own.pathname = `/${name}`;
    client = new pg.Client({ connectionString: own.href });
    await client.connect();
    orm = await MikroORM.init({ ...settings, clientUrl: own.href, logger: () => {} });
    await orm.migrator.up({ to: BEFORE });
  });
  afterAll(async () => {
    await orm.close(true);
    await client.end();
    await admin.query(`drop database ${name} with (force)`);
    await admin.end();
  });

  async function insert(status: string, awaiting: boolean, expiresAt: string, amount: number): Promise<string> {
    const id = newId();
    await client.query(
      `insert into orders (id, user_id, kind, status, amount, currency, created_at, expires_at, return_url, stripe_session_id, awaiting_payment)
       values ($1, $2, 'TOP_UP', $3, $4, 'USD', $5, $6, 'https://films.test/', $7, $8)`,
      [id, newId(), status, amount, CREATED, expiresAt, `cs_${id}`, awaiting],
    );
    return id;
  }

  test('keep what they are; one that waits for its bank becomes PROCESSING, and a lease is no longer taken for an expiry', async () => {
    const anHour = '2026-11-27T11:00:00.000Z';
    const pushedByTheJob = '2026-12-01T09:10:00.000Z';
    const open = await insert('OPEN', false, anHour, 500);
    const waiting = await insert('OPEN', true, pushedByTheJob, 600);
    const expired = await insert('EXPIRED', false, anHour, 700);
    await orm.migrator.up();
    const { rows } = await client.query(
      `select id, status, expires_at, lease_expires_at, session_number, superseded_session_id, cancel_requested_at from orders order by amount`,
    );
    const asNew = { lease_expires_at: null, session_number: 1, superseded_session_id: null, cancel_requested_at: null };
    expect(rows).toEqual([
      { id: open, status: 'OPEN', expires_at: new Date(anHour), ...asNew },
      { id: waiting, status: 'PROCESSING', expires_at: new Date('2026-11-28T10:00:00.000Z'), ...asNew },
      { id: expired, status: 'EXPIRED', expires_at: new Date(anHour), ...asNew },
    ]);
  });
});
