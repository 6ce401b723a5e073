import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { tokenFor } from '../gateway/gateway-kit.js';
import { freePort } from '../support/free-port.js';
import { GatewayProcess } from '../support/gateway-process.js';
import { runToEnd } from '../support/run-to-end.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';

const DAY_MS = 86_400_000;
const PRODUCTION = {
  NODE_ENV: 'production',
  STRIPE_SECRET_KEY: 'sk_live_nobody',
  STRIPE_API_URL: '',
  ALLOWED_ORIGINS: 'https://films.example',
  PUBLIC_URL: 'https://api.films.example',
  DRAIN_NOTICE_MS: '0',
};

let home: TestDatabase;
/** Runs no jobs by schedule: what is done after a move was done before its answer. */
let gateway: GatewayProcess;
let sandboxUrl: string;

beforeAll(async () => {
  home = await testDatabase();
  const sandboxPort = await freePort();
  sandboxUrl = `http://127.0.0.1:${sandboxPort}`;
  gateway = await GatewayProcess.on({
    DATABASE_URL: home.url,
    STRIPE_SECRET_KEY: '',
    STRIPE_API_URL: '',
    SANDBOX_PORT: String(sandboxPort),
    RUN_JOBS: 'false',
  });
  await gateway.start();
}, 120_000);
afterAll(async () => {
  await gateway.close();
  await home.drop();
});

interface Answer {
  readonly status: number;
  readonly body: { now?: string; error?: { type: string; param?: string; message: string } };
}

async function moveClock(body: unknown, url = gateway.url): Promise<Answer> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${url}/sandbox/clock`, { method: 'POST', headers, body: JSON.stringify(body) });
  return { status: response.status, body: (await response.json()) as Answer['body'] };
}

async function ask<Data>(token: string, query: string, variables: object = {}, url = gateway.url): Promise<Data> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const response = await fetch(`${url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
  const { data, errors } = (await response.json()) as { data: Data; errors?: object[] };
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

/** A viewer who has bought access to a film for one day, from the balance. */
async function buyOneDay() {
  const admin = await tokenFor({ role: 'admin' });
  const userId = randomUUID();
  const viewer = await tokenFor({ userId });
  const films = 'mutation { createFilms(input: [{ title: "A film" }]) { films { id } } }';
  const { createFilms } = await ask<{ createFilms: { films: { id: string }[] } }>(admin, films);
  const filmIds = createFilms.films.map(({ id }) => id);
  const { createSubscription } = await ask<{ createSubscription: { subscription: { id: string } } }>(
    admin,
    'mutation ($input: CreateSubscriptionInput!) { createSubscription(input: $input) { subscription { id } } }',
    { input: { title: 'One day', description: '', pricePerDay: 100, durationDays: 1, filmIds } },
  );
  const subscriptionId = createSubscription.subscription.id;
  await ask(admin, 'mutation ($id: ID!) { activateSubscription(id: $id) { errors { code } } }', { id: subscriptionId });
  await ask(admin, 'mutation ($input: AdjustBalanceInput!) { adjustBalance(input: $input) { errors { code } } }', {
    input: { userId, amount: 100, currency: 'USD', reason: 'a test', idempotencyKey: randomUUID() },
  });
  const { purchase } = await ask<{ purchase: { grant: { id: string; status: string } } }>(
    viewer,
    'mutation ($input: PurchaseInput!) { purchase(input: $input) { grant { id status } } }',
    { input: { subscriptionId, payWith: 'BALANCE', idempotencyKey: randomUUID() } },
  );
  expect(purchase.grant.status).toBe('ACTIVE');
  return { viewer, filmIds, grantId: purchase.grant.id };
}

async function mayWatch({ viewer, filmIds }: { viewer: string; filmIds: string[] }, url = gateway.url): Promise<boolean> {
  const query = 'query ($filmIds: [ID!]!) { access(filmIds: $filmIds) { allowed } }';
  const { access } = await ask<{ access: [{ allowed: boolean }] }>(viewer, query, { filmIds }, url);
  return access[0].allowed;
}

async function statusOf(grantId: string): Promise<string | undefined> {
  return (await home.rows<{ status: string }>('select status from grants where id = $1', [grantId]))[0]?.status;
}

const offsetMs = async () => Number((await home.rows<{ ms: string }>('select offset_ms as ms from development_clock'))[0]?.ms);

async function timeAt(url: string): Promise<number> {
  const { now } = (await (await fetch(`${url}/sandbox/clock`)).json()) as { now: string };
  return Date.parse(now);
}

describe('POST /sandbox/clock', () => {
  test.each([
    ['advanceMs', { advanceMs: -1 }],
    ['advanceMs', { advanceMs: '60000' }],
    ['advanceMs', { advanceMs: 1.5 }],
    ['advanceMs', { advanceMs: 4_000_000_000_000 }],
    ['advanceMs', { advanceMs: 100 * 365 * DAY_MS }],
    ['to', { to: '2020-01-01T00:00:00Z' }],
    ['to', { to: '2150-01-01T00:00:00Z' }],
    ['to', { to: 'tomorrow' }],
    ['to', { to: 5 }],
    ['to', {}],
    ['to', { advanceMs: 1, to: '2030-01-01T00:00:00Z' }],
    ['days', { days: 2 }],
  ])('The clock refuses a move and names %s: %j', async (field, body) => {
    const before = await offsetMs();
    for (const url of [gateway.url, sandboxUrl]) {
      const answer = await moveClock(body, url);
      expect(answer).toMatchObject({ status: 400, body: { error: { type: 'invalid_request_error', param: field } } });
    }
    expect(await offsetMs()).toBe(before);
  });

  test('The clock moves expiry: a grant bought for a day ends after the clock is moved by two days', async () => {
    const bought = await buyOneDay();
    expect(await mayWatch(bought)).toBe(true);
    const before = await timeAt(gateway.url);
    const { status, body } = await moveClock({ advanceMs: 2 * DAY_MS });
    expect(status).toBe(200);
    expect(await statusOf(bought.grantId)).toBe('EXPIRED');
    expect(await mayWatch(bought)).toBe(false);
    expect(Date.parse(body.now as string)).toBeGreaterThanOrEqual(before + 2 * DAY_MS);
    const names = await home.rows<{ name: string; error: string | null }>('select name, last_error as error from job_states');
    expect(names).toHaveLength(10);
    expect(names.filter(({ error }) => error !== null)).toEqual([]);
  });

  test('A page of another site does not move the clock', async () => {
    const headers = { 'content-type': 'application/json', 'sec-fetch-site': 'cross-site' };
    const before = await offsetMs();
    for (const url of [gateway.url, sandboxUrl]) {
      const response = await fetch(`${url}/sandbox/clock`, { method: 'POST', headers, body: '{"advanceMs":1000}' });
      expect(response.status).toBe(403);
    }
    expect(await offsetMs()).toBe(before);
  });

  test('Two processes see the same time as soon as a move is answered, and after a restart', async () => {
    const other = await GatewayProcess.on({
      DATABASE_URL: home.url,
      STRIPE_SECRET_KEY: 'sk_test_sandbox',
      STRIPE_API_URL: sandboxUrl,
      RUN_JOBS: 'false',
    });
    try {
      await other.start();
      const bought = await buyOneDay();
      expect(await mayWatch(bought, other.url)).toBe(true);
      const { body } = await moveClock({ to: new Date((await timeAt(sandboxUrl)) + 2 * DAY_MS).toISOString() });
      expect(await mayWatch(bought, other.url)).toBe(false);
      await gateway.end('SIGTERM');
      await gateway.start();
      expect(await timeAt(gateway.url)).toBeGreaterThanOrEqual(Date.parse(body.now as string));
      expect(await mayWatch(bought)).toBe(false);
      expect((await moveClock({ advanceMs: DAY_MS }, other.url)).status).toBe(404);
    } finally {
      await other.close();
    }
  }, 120_000);

  test('The offset in the database never goes back, whichever process writes it', async () => {
    const before = await offsetMs();
    expect(before).toBeGreaterThan(0);
    for (const statement of ['update development_clock set offset_ms = offset_ms - 1', 'delete from development_clock'])
      await expect(home.rows(statement)).rejects.toThrow('the development clock only moves forward');
    await expect(home.rows('insert into development_clock (id) values (false)')).rejects.toThrow();
    expect(await offsetMs()).toBe(before);
  });

  test.each([
    ['A real Stripe key', { STRIPE_SECRET_KEY: 'sk_test_nobody', STRIPE_API_URL: '' }],
    ['Production', PRODUCTION],
  ])('%s refuses a database whose clock was moved', async (_what, environment) => {
    const { code, err } = await runToEnd('main.js', {
      DATABASE_URL: home.url,
      JWT_SECRET: 'a secret that is long enough for HS256',
      ...environment,
    });
    expect(code).toBe(1);
    expect(err).toMatch(/^DATABASE_URL: product time in this database was moved forward by \d+ ms in development\./);
  });
});

test.each([
  ['a real Stripe key', { STRIPE_SECRET_KEY: 'sk_test_nobody', STRIPE_API_URL: '' }],
  ['production', PRODUCTION],
])(
  'With %s there is nothing that moves the clock',
  async (_what, environment) => {
    const database = await testDatabase();
    const real = await GatewayProcess.on({ DATABASE_URL: database.url, RUN_JOBS: 'false', ...environment });
    try {
      await real.start();
      expect(await moveClock({ advanceMs: DAY_MS }, real.url)).toMatchObject({ status: 404 });
      expect(await database.rows('select offset_ms::int as ms from development_clock')).toEqual([{ ms: 0 }]);
    } finally {
      await real.close();
      await database.drop();
    }
  },
  120_000,
);
