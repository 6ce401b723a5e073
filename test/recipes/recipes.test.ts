import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import Stripe from 'stripe';
import { newId } from '../../src/services/ids.js';
import { STRIPE_API_VERSION } from '../../src/stores/stripe.js';
import { tokenFor } from '../gateway/gateway-kit.js';
import { GatewayProcess } from '../support/gateway-process.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { type Edit, recipes } from './recipes.js';

const COPIED = ['docs', 'migrations', 'packages', 'public', 'scripts', 'src'];
const SECRET = 'whsec_recipes';
const guide = readFileSync('CONTRIBUTING.md', 'utf8');

/** The files that a recipe of the guide has in its list. */
const filesOf = (title: string): string[] => {
  const section = guide.split(`### ${title}\n`)[1]?.split(/^##/m)[0] ?? '';
  return [...section.matchAll(/^\d\. `([^`]+)`/gm)].map((match) => match[1] ?? '');
};

/** `src/services/<domain>/<name>.ts` matches a file of any name. */
const fits = (listed: string, file: string) =>
  new RegExp(`^${listed.replaceAll('.', '\\.').replace(/<[^>]+>/g, '[\\w-]+')}$`).test(file);

describe('The recipes of CONTRIBUTING', () => {
  it.each(Object.entries(recipes))('list what is to be changed, at most six files: %s', (title, edits) => {
    const listed = filesOf(title);
    expect(listed.length).toBeGreaterThan(0);
    expect(listed.length).toBeLessThanOrEqual(6);
    const changed = [...new Set(edits.map(({ file }) => file))];
    expect(changed.filter((file) => !listed.some((name) => fits(name, file)))).toEqual([]);
    expect(listed.filter((name) => !name.startsWith('test/') && !changed.some((file) => fits(name, file)))).toEqual([]);
  });
});

function copyProject(copy: string): void {
  for (const name of COPIED)
    cpSync(name, path.join(copy, name), { recursive: true, filter: (file) => !/(^|\/)(node_modules|dist[^/]*)$/.test(file) });
  for (const name of readdirSync('.')) {
    if (/\.(json|graphql|ts)$|^\.env\.example$/.test(name)) cpSync(name, path.join(copy, name));
  }
  const modules = path.join(copy, 'node_modules');
  mkdirSync(path.join(modules, '@boxoffice'), { recursive: true });
  for (const name of readdirSync('node_modules'))
    if (name !== '@boxoffice') symlinkSync(path.resolve('node_modules', name), path.join(modules, name));
  symlinkSync('../../packages/stripe-sandbox', path.join(modules, '@boxoffice/stripe-sandbox'));
}

function apply(copy: string, { file, before, after, atEnd, add }: Edit): void {
  const target = path.join(copy, file);
  if (atEnd) {
    appendFileSync(target, add);
    return;
  }
  const anchor = before ?? after;
  if (anchor === undefined) {
    expect(existsSync(target)).toBe(false);
    writeFileSync(target, add);
    return;
  }
  const text = readFileSync(target, 'utf8');
  const at = text.indexOf(anchor) + (after === undefined ? 0 : anchor.length);
  expect([file, anchor, text.includes(anchor)]).toEqual([file, anchor, true]);
  writeFileSync(target, `${text.slice(0, at)}${add}${text.slice(at)}`);
}

describe('A copy of the project with all recipes applied', () => {
  const copy = mkdtempSync(path.join(os.tmpdir(), 'boxoffice-recipes-'));
  const run = (script: string) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [`scripts/${script}.js`], {
      cwd: copy,
      env: { ...process.env, NODE_OPTIONS: '', PATH: `${path.resolve('node_modules/.bin')}:${process.env.PATH}` },
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`scripts/${script}.js failed:\n${stdout}${stderr}`);
  };
  let db: TestDatabase;
  let server: GatewayProcess;
  const viewerId = newId();
  const adminId = newId();

  beforeAll(async () => {
    copyProject(copy);
    for (const edit of Object.values(recipes).flat()) apply(copy, edit);
    run('generate');
    run('build');
    db = await testDatabase();
    server = await GatewayProcess.on(
      { DATABASE_URL: db.url, STRIPE_WEBHOOK_SECRET: SECRET, TOUCH_CATALOGUE_INTERVAL_MS: '3600000' },
      path.join(copy, 'dist/src/main.js'),
    );
    await server.start();
  }, 300_000);

  afterAll(async () => {
    await server?.close();
    await db?.drop();
    rmSync(copy, { recursive: true, force: true });
  });

  async function ask(query: string, as: { userId: string; role: string } = { userId: adminId, role: 'admin' }) {
    const response = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${await tokenFor(as)}` },
      body: JSON.stringify({ query }),
    });
    return (await response.json()) as { data?: Record<string, unknown>; errors?: unknown };
  }

  const payBonus = (amount: number, key: string) =>
    ask(`mutation { payBonus(input: { userId: "${viewerId}", amount: ${amount}, idempotencyKey: "${key}" }) {
      balance { available { amount } } errors { code ... on BonusTooLarge { largest } } } }`);

  it('has the money mutation, which does its work once for each key', async () => {
    const paid = { data: { payBonus: { balance: { available: { amount: 250 } }, errors: [] } } };
    expect(await payBonus(250, 'first-bonus')).toEqual(paid);
    expect(await payBonus(250, 'first-bonus')).toEqual(paid);
    expect(await db.rows('select kind, amount::int from transactions')).toEqual([{ kind: 'ADJUSTMENT', amount: 250 }]);
  });

  it('has the expected error, with its field', async () => {
    expect(await payBonus(1_001, 'large-bonus')).toEqual({
      data: { payBonus: { balance: null, errors: [{ code: 'BONUS_TOO_LARGE', largest: 1_000 }] } },
    });
  });

  it('has the fields, in a page that is resolved field by field, in one that one statement reads, and in the catalogue', async () => {
    await ask(`mutation { createFilms(input: [{ id: "${viewerId}", title: "The General" }]) { errors { code } } }`);
    const { data } = await ask(`mutation { createSubscription(input: {
      title: "Week", description: "A week", filmIds: ["${viewerId}"], pricePerDay: 10, durationDays: 7 }) { subscription { id } } }`);
    const { subscription } = (data?.createSubscription ?? {}) as { subscription: { id: string } };
    await ask(`mutation { activateSubscription(id: "${subscription.id}") { errors { code } } }`);
    await ask(`mutation { giftGrant(input: {
      userId: "${viewerId}", subscriptionId: "${subscription.id}", reason: "a test", idempotencyKey: "a-gift-1" }) { errors { code } } }`);
    await db.rows(`update grants set remark = 'kept in the column'`);
    await db.rows('update films set year = 1926');
    const grants = { nodes: [{ remark: 'kept in the column', films: { nodes: [{ year: 1926 }] } }] };
    const page = () =>
      ask('{ me { grants { nodes { remark films { nodes { year } } } } } }', { userId: viewerId, role: 'viewer' });
    for (const _time of [1, 2, 3]) expect(await page()).toEqual({ data: { me: { grants } } });
    const catalogue = await ask(`{ films { nodes { year } } film(id: "${viewerId}") { year }
      subscriptions { nodes { films { nodes { year } } } } }`);
    const films = { nodes: [{ year: 1926 }] };
    expect(catalogue).toEqual({ data: { films, film: { year: 1926 }, subscriptions: { nodes: [{ films }] } } });
  });

  it('has the job, and runs it', async () => {
    await ask('mutation { runJob(name: "touch-catalogue") { errors { code } } }');
    type Jobs = readonly { name: string; lastResult: string | null }[] | undefined;
    const result = async () => {
      const { data } = await ask('{ jobs { name lastResult } }');
      return (data?.jobs as Jobs)?.find(({ name }) => name === 'touch-catalogue')?.lastResult;
    };
    await until(async () => (await result())?.endsWith('subscriptions touched') === true, 'the job has run', 30_000);
  });

  it('applies the Stripe event', async () => {
    await db.rows('insert into stripe_customers (user_id, stripe_customer_id, created_at) values ($1, $2, now())', [
      viewerId,
      'cus_deleted',
    ]);
    const payload = JSON.stringify({
      id: 'evt_customer_deleted',
      object: 'event',
      type: 'customer.deleted',
      api_version: STRIPE_API_VERSION,
      livemode: false,
      created: Math.floor(Date.now() / 1000),
      data: { object: { id: 'cus_deleted', object: 'customer' } },
    });
    const signature = Stripe.webhooks.generateTestHeaderString({ payload, secret: SECRET });
    const response = await fetch(`${server.url}/webhooks/stripe`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'stripe-signature': signature },
      body: payload,
    });
    expect(response.status).toBe(200);
    const statuses = () => db.rows<{ status: string }>('select status from stripe_events');
    await until(async () => (await statuses())[0]?.status === 'PROCESSED', 'the event is processed', 30_000);
    expect(await db.rows('select user_id from stripe_customers')).toEqual([]);
  });
});
