// Does what a new user does: npm start in a copy of the repository, in a path with a space; buys by card at the sandbox; sees
// access turn from NO_GRANT to GRANTED and both live events; kills the process right after a payment; stops it in order.
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { freePort, until } from './waiting.mjs';

const root = path.resolve(import.meta.dirname, '../..');
const home = mkdtempSync(path.join(os.tmpdir(), 'box office smoke '));
// As root the database runs under another account, which must reach its directory here; else it would be kept elsewhere.
chmodSync(home, 0o755);
const copy = path.join(home, 'boxoffice');
const READY_MS = 120_000;

function check(condition, words) {
  if (!condition) throw new Error(`not so: ${words}`);
  console.log(`  ok  ${words}`);
}

function copyRepository() {
  const files = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' }).split('\0').filter(Boolean);
  for (const file of files)
    if (existsSync(path.join(root, file))) cpSync(path.join(root, file), path.join(copy, file), { recursive: true });
  // As `npm ci` leaves them: packages of others, and links to ours in the copy.
  const modules = path.join(copy, 'node_modules');
  mkdirSync(path.join(modules, '@boxoffice'), { recursive: true });
  for (const name of readdirSync(path.join(root, 'node_modules')))
    if (name !== '@boxoffice') symlinkSync(path.join(root, 'node_modules', name), path.join(modules, name));
  symlinkSync('../../packages/stripe-sandbox', path.join(modules, '@boxoffice/stripe-sandbox'));
}

async function start(ports) {
  const env = {
    ...process.env,
    PORT: String(ports.gateway),
    SANDBOX_PORT: String(ports.sandbox),
    DATA_DIR: path.join(home, 'data dir'),
    NODE_ENV: '',
  };
  for (const name of ['DATABASE_URL', 'REDIS_URL', 'MONGODB_URL', 'STRIPE_SECRET_KEY', 'CI', 'NODE_OPTIONS']) delete env[name];
  delete env.NODE_ENV;
  const child = spawn('npm', ['start'], { cwd: copy, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      output += chunk;
    });
  const ended = new Promise((resolve) => child.on('exit', (code, signal) => resolve({ code, signal })));
  const token = (name) => new RegExp(`${name}\\s+(ey\\S+)`).exec(output)?.[1];
  await until(
    () =>
      child.exitCode !== null ? Promise.reject(new Error(`npm start ended:\n${output}`)) : /ready/.test(output) && token('admin'),
    'ready',
    READY_MS,
  );
  return {
    child,
    ended,
    viewer: token('viewer'),
    service: token('service'),
    admin: token('admin'),
    url: `http://127.0.0.1:${ports.gateway}`,
  };
}

/** The node process itself: what npm and its shell started. */
const processesOfTheCopy = () => {
  const found = [];
  for (const line of execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' }).split('\n')) {
    const match = /^\s*(\d+)\s+(.*)$/.exec(line);
    if (match && (match[2].includes(home) || (/dist\/src\/main\.js/.test(match[2]) && belongsToTheCopy(match[1]))))
      found.push({ pid: Number(match[1]), args: match[2] });
  }
  return found;
};

function belongsToTheCopy(pid) {
  try {
    return execFileSync('readlink', [`/proc/${pid}/cwd`], { encoding: 'utf8' })
      .trim()
      .startsWith(home);
  } catch {
    return false;
  }
}

const ask =
  (app, token) =>
  async (query, variables = {}) => {
    const response = await fetch(`${app.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = await response.json();
    if (errors) throw new Error(JSON.stringify(errors));
    return data;
  };

const PLANS = '{ subscriptions(first: 5) { nodes { id title films(first: 1) { nodes { id } } } } }';
const ACCESS = 'query ($films: [ID!]!) { access(filmIds: $films) { reason } }';
const BUY = `mutation ($input: PurchaseInput!) { purchase(input: $input) { order { id checkoutUrl } errors { code message } } }`;
const GRANTS = '{ me { grants { nodes { id status subscription { id } } } } }';

async function buy(viewer, subscriptionId) {
  const { purchase } = await viewer(BUY, {
    input: { subscriptionId, payWith: 'CARD', idempotencyKey: `smoke-${subscriptionId}` },
  });
  if (purchase.errors.length > 0) throw new Error(JSON.stringify(purchase.errors));
  return purchase.order;
}

async function pay(checkoutUrl) {
  const url = new URL(checkoutUrl);
  const response = await fetch(`${url.origin}/sandbox/checkout/${path.basename(url.pathname)}/pay`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ card: '4242424242424242' }),
  });
  if (!response.ok) throw new Error(`the sandbox refused the payment: ${response.status}`);
}

function watch(app, field) {
  const seen = [];
  const client = createClient({
    url: `${app.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${app.viewer}` },
    retryAttempts: 0,
  });
  client.subscribe(
    { query: `subscription { ${field} { cursor } }` },
    { next: (event) => seen.push(event), error: () => undefined, complete: () => undefined },
  );
  return { seen, close: () => client.dispose() };
}

async function run() {
  copyRepository();
  const ports = { gateway: await freePort(), sandbox: await freePort() };
  let app = await start(ports);
  console.log('npm start is ready in a path with a space');
  let viewer = ask(app, app.viewer);
  const plans = (await viewer(PLANS)).subscriptions.nodes;
  const [plan, other] = plans;
  const film = plan.films.nodes[0].id;
  check((await viewer(ACCESS, { films: [film] })).access[0].reason === 'NO_GRANT', 'access says NO_GRANT before the purchase');
  const [balances, grants] = [watch(app, 'balanceChanged'), watch(app, 'grantChanged')];
  await until(() => balances.seen.length > 0, 'the present balance is pushed');
  await pay((await buy(viewer, plan.id)).checkoutUrl);
  await until(async () => (await viewer(ACCESS, { films: [film] })).access[0].reason === 'GRANTED', 'access says GRANTED');
  check(true, 'access says GRANTED after the payment');
  await until(() => balances.seen.length >= 3 && grants.seen.length >= 1, 'the changes are pushed live');
  check(true, 'the balance and the grant are pushed live');
  await Promise.all([balances.close(), grants.close()]);

  const order = await buy(viewer, other.id);
  await pay(order.checkoutUrl);
  for (const { pid } of processesOfTheCopy().filter(({ args }) => args.includes('main.js'))) process.kill(pid, 'SIGKILL');
  await app.ended;
  app = await start(ports);
  viewer = ask(app, app.viewer);
  const granted = async () => (await viewer(GRANTS)).me.grants.nodes.filter((grant) => grant.subscription.id === other.id);
  await until(async () => (await granted()).length > 0, 'the payment before the kill gives a grant', 60_000);
  await viewer('query ($id: ID!) { order(id: $id) { status } }', { id: order.id });
  check((await granted()).length === 1, 'kill -9 right after the payment and a restart leave exactly one grant');
  const admin = ask(app, app.admin);
  await admin('mutation { runJob(name: "verify-ledger") { errors { code } } }');
  const report = async () => (await admin('{ verifyLedger { cycleComplete discrepancies { rule } } }')).verifyLedger;
  await until(async () => (await report()).cycleComplete, 'the ledger is verified', 60_000);
  check((await report()).discrepancies.length === 0, 'the ledger adds up');

  const stopping = Date.now();
  process.kill(-app.child.pid, 'SIGTERM');
  await app.ended;
  await until(() => processesOfTheCopy().length === 0, 'nothing is left running', 10_000);
  check(Date.now() - stopping < 6_000, 'SIGTERM ends it within its 5 seconds, and nothing is left running');
}

try {
  await run();
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  for (const { pid } of processesOfTheCopy()) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it ended meanwhile
    }
  }
  rmSync(home, { recursive: true, force: true });
}
