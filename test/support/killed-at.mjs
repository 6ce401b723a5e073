// Does one thing with money in a process of its own, and kills it (SIGKILL) before or after its nth step: a statement sent to
// the database or a call to Stripe. Ends with 0 when there were fewer steps. Runs the build.
import 'reflect-metadata';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { readConfig } from '../../dist/src/config/config.js';
import { composeServices } from '../../dist/src/services/services.js';
import { Database } from '../../dist/src/stores/database.js';
import { LocalHints } from '../../dist/src/stores/hints.js';
import { noOpenSessions } from '../../dist/src/stores/open-sessions.js';
import { openStripe } from '../../dist/src/stores/stripe.js';

const { databaseUrl, stripeUrl, now, caller, task, step, when } = JSON.parse(process.argv[2]);
let steps = 0;
const die = () => process.kill(process.pid, 'SIGKILL');

/** Counts each call of a method as a step. */
function watch(object, method) {
  const original = object[method];
  object[method] = async function (...values) {
    const mine = ++steps;
    if (mine === step && when === 'before') die();
    try {
      return await original.apply(this, values);
    } finally {
      // A call that fails is a step as well.
      if (mine === step && when === 'after') die();
    }
  };
}

const config = readConfig({
  DATA_DIR: path.join(os.tmpdir(), 'boxoffice-killed'),
  STRIPE_API_URL: stripeUrl,
  ALLOWED_ORIGINS: 'https://films.test',
  LOG_LEVEL: 'silent',
});
const database = new Database({ url: databaseUrl, poolSize: 2, statementTimeoutMs: 5_000, connectionTimeoutMs: 5_000 });
await database.pool.query('select 1');
const stripe = openStripe({ secretKey: 'sk_test_sandbox', apiUrl: stripeUrl, timeoutMs: 5_000, attemptsCount: 1 });
const clock = { now: () => new Date(now) };
const services = composeServices({
  config,
  database,
  hints: new LocalHints(),
  stripe,
  openSessions: noOpenSessions,
  clock,
  logger: { error: console.error },
});
watch(stripe.refunds, 'create');
for (const call of ['retrieve', 'create', 'expire']) watch(stripe.checkout.sessions, call);
const send = pg.Client.prototype.query;
pg.Client.prototype.query = function (...values) {
  // pg's pool calls it with a callback; only our promises are steps of ours.
  if (typeof values.at(-1) === 'function') {
    const mine = ++steps;
    if (mine === step && when === 'before') die();
    const callback = values.pop();
    return send.call(this, ...values, (error, result) => {
      if (mine === step && when === 'after') die();
      callback(error, result);
    });
  }
  const mine = ++steps;
  if (mine === step && when === 'before') die();
  return send.apply(this, values).finally(() => {
    if (mine === step && when === 'after') die();
  });
};

if (task.do === 'refundGrant') await services.refunds.refundGrant(caller, task.input);
else if (task.do === 'purchase') await services.purchases.purchase(caller, task.input);
else if (task.do === 'cancelOrder') await services.purchases.cancelOrder(caller, task.orderId);
else if (task.do === 'closeDue') await services.expiredOrders.closeDue(10);
else await services.purchases.look(caller, task.orderId);
console.log(steps);
process.exit(0);
