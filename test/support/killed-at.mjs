// Does one thing with money in a process of its own, and kills it (SIGKILL) before or after its nth step: a statement sent to
// the database or a call to Stripe. When there were fewer steps, prints what each of them was, as JSON, and exits with 0: 'begin',
// 'within' (a transaction), 'commit', 'rollback', 'read' or 'write' (a statement alone), or 'stripe'. Runs the build.
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
const steps = [];
const inTransaction = new WeakSet();
const die = () => process.kill(process.pid, 'SIGKILL');

/** Notes a step that begins; returns what to call when it has ended, well or not. */
function begin(kind) {
  const mine = steps.push(kind) === step;
  if (mine && when === 'before') die();
  return () => {
    if (mine && when === 'after') die();
  };
}

/** Each call of the method is a step. */
function watch(object, method) {
  const original = object[method];
  object[method] = async function (...values) {
    const end = begin('stripe');
    try {
      return await original.apply(this, values);
    } finally {
      end();
    }
  };
}

function kindOf(client, statement) {
  const text = statement.text ?? statement;
  if (text === 'begin') inTransaction.add(client);
  else if (text === 'commit' || text === 'rollback') inTransaction.delete(client);
  else if (inTransaction.has(client)) return 'within';
  // No function of the database writes but its triggers.
  else return text.startsWith('select') ? 'read' : 'write';
  return text;
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
  const end = begin(kindOf(this, values[0]));
  // The pool passes a callback; everyone else awaits.
  if (typeof values.at(-1) === 'function') {
    const callback = values.pop();
    return send.call(this, ...values, (error, result) => {
      end();
      callback(error, result);
    });
  }
  return send.apply(this, values).finally(end);
};

if (task.do === 'refundGrant') await services.refunds.refundGrant(caller, task.input);
else if (task.do === 'purchase') await services.purchases.purchase(caller, task.input);
else if (task.do === 'cancelOrder') await services.purchases.cancelOrder(caller, task.orderId);
else if (task.do === 'closeDue') await services.orderSessions.closeDue(10);
else await services.purchases.look(caller, task.orderId);
console.log(JSON.stringify(steps));
process.exit(0);
