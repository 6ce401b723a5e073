import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Sandbox, startSandbox } from '@boxoffice/stripe-sandbox';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { tokenFor } from '../gateway/gateway-kit.js';
import { GatewayProcess } from '../support/gateway-process.js';
import { runToEnd } from '../support/run-to-end.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

let home: TestDatabase;
let sandbox: Sandbox;
let role: string;
let url: URL;

/** The statements of docs/operations.md, for this test's role and database. */
function documentedGrants(): string[] {
  const [, block = ''] = /```sql\n(create role boxoffice_app[\s\S]*?)```/.exec(readFileSync('docs/operations.md', 'utf8')) ?? [];
  return block
    .replaceAll('boxoffice_app', role)
    .replace('database boxoffice ', `database ${new URL(home.url).pathname.slice(1)} `)
    .split(';')
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

beforeAll(async () => {
  home = await testDatabase();
  sandbox = await startSandbox({ port: 0, webhookUrl: null, webhookSecret: 'whsec_test', stateFile: null });
  role = `app_${randomBytes(6).toString('hex')}`;
  const grants = documentedGrants();
  expect(grants.length).toBeGreaterThan(3);
  for (const statement of grants) await home.rows(statement);
  // What new databases give to everybody until Postgres 14.
  await home.rows('revoke create on schema public from public');
  url = new URL(home.url);
  url.username = role;
  url.password = 'change-me';
});
afterAll(async () => {
  await sandbox.stop();
  await home.rows(`drop owned by ${role}`);
  await home.rows(`drop role ${role}`);
  await home.drop();
});

test('A gateway and a worker of a role with the documented grants sell, and run all their jobs', async () => {
  const often = [
    'PROCESS_STRIPE_EVENTS',
    'RESUME_REFUNDS',
    'RELEASE_STALE_HOLDS',
    'CLOSE_ORDERS',
    'SYNCHRONISE_CATALOGUE',
    'SWEEP',
  ];
  const environment = {
    DATABASE_URL: url.href,
    MIGRATE_AT_START: 'false',
    DEMO: 'true',
    STRIPE_SECRET_KEY: sandbox.secretKey,
    STRIPE_API_URL: sandbox.url,
    ...Object.fromEntries([...often, 'EXPIRE_GRANTS'].map((name) => [`${name}_INTERVAL_MS`, '200'])),
  };
  const gateway = await GatewayProcess.on({ ...environment, RUN_JOBS: 'false' });
  const worker = await GatewayProcess.on(
    { ...environment, RECONCILE_CRON: '* * * * *', VERIFY_LEDGER_CRON: '* * * * *' },
    'worker.js',
  );
  try {
    await Promise.all([gateway.start(), worker.start()]);
    const ask = async (token: string, query: string, variables: object = {}) => {
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
      const body = JSON.stringify({ query, variables });
      return ((await (await fetch(`${gateway.url}/graphql`, { method: 'POST', headers, body })).json()) as { data: never }).data;
    };
    const userId = randomUUID();
    const [viewer, admin] = [await tokenFor({ userId }), await tokenFor({ role: 'admin' })];
    const adjustment = { userId, amount: 100_000, currency: 'USD', reason: 'a test', idempotencyKey: randomUUID() };
    await ask(admin, 'mutation ($input: AdjustBalanceInput!) { adjustBalance(input: $input) { errors { code } } }', {
      input: adjustment,
    });
    const { subscriptions } = await ask(viewer, '{ subscriptions { nodes { id price { amount } } } }');
    const { id: subscriptionId } = (subscriptions as { nodes: { id: string }[] }).nodes[0] as { id: string };
    const buy =
      'mutation ($input: PurchaseInput!) { purchase(input: $input) { grant { status } order { status } errors { code } } }';
    const input = { subscriptionId, payWith: 'BALANCE', idempotencyKey: randomUUID() };
    expect(await ask(viewer, buy, { input })).toMatchObject({ purchase: { grant: { status: 'ACTIVE' }, errors: [] } });
    const card = { subscriptionId, payWith: 'CARD', idempotencyKey: randomUUID() };
    expect(await ask(viewer, buy, { input: card })).toMatchObject({ purchase: { order: { status: 'OPEN' }, errors: [] } });
    const { jobs } = await ask(admin, '{ jobs { name } }');
    for (const { name } of jobs as { name: string }[]) {
      await ask(admin, 'mutation ($name: String!) { runJob(name: $name) { errors { code } } }', { name });
    }
    type State = { name: string; last_error: string | null };
    const states = () => home.rows<State>('select name, last_error from job_states');
    await until(async () => (await states()).length === (jobs as unknown[]).length, 'every job ran', 30_000);
    expect((await states()).filter(({ last_error }) => last_error !== null)).toEqual([]);
  } finally {
    await gateway.close();
    await worker.close();
  }
}, 120_000);

test.each(['main.js', 'worker.js'])('%s with MIGRATE_AT_START=false says which migrations a database lacks', async (script) => {
  const [newest] = await home.rows<{ id: number; name: string }>(
    'select id, name from mikro_orm_migrations order by name desc limit 1',
  );
  await home.rows('delete from mikro_orm_migrations where id = $1', [newest?.id]);
  try {
    const { code, err } = await runToEnd(script, { DATABASE_URL: url.href, MIGRATE_AT_START: 'false' });
    expect({ code, err }).toEqual({
      code: 1,
      err: `The database lacks 1 of the migrations of this version (${newest?.name}). Run npm run migrate with a role that may change its schema.\n`,
    });
  } finally {
    await home.rows('insert into mikro_orm_migrations (id, name) values ($1, $2)', [newest?.id, newest?.name]);
  }
});
