// The limit: node:http, pg, one named prepared statement for each request, and nothing else but what must be checked.
import { createHmac, timingSafeEqual } from 'node:crypto';
import http from 'node:http';
import pg from 'pg';
import { ACCESS_MANY, ACCESS_ONE, decisionOf } from '../shared/access-rules.js';
import { PAGE_STATEMENT } from '../shared/page-statement.js';
import { viewerOf } from '../shared/tokens.js';
import { PURCHASE_STATEMENT } from './purchase-statement.js';

const { PORT, DATABASE_URL, JWT_SECRET, WEBHOOK_SECRET } = process.env;
const TOLERANCE_SECONDS = 300;
// Without it Postgres plans statements with arrays again each time: a third of a millisecond.
const pool = new pg.Pool({
  connectionString: DATABASE_URL,
  max: 8,
  options: '-c timezone=UTC -c plan_cache_mode=force_generic_plan',
});

const run = async (statement, values) => (await pool.query({ ...statement, values })).rows;

const STORE_EVENT = {
  name: 'store-event',
  text: `insert into stripe_events (id, stripe_id, type, status, payload, last_error, received_at)
    values (uuidv7(), $1, $2, 'IGNORED', $3, 'no effect here', now()) on conflict (stripe_id) do nothing`,
};

async function answer(request, body) {
  const { url } = request;
  if (url === '/ready') return '{}';
  if (url === '/webhook') return takeEvent(body, request.headers['stripe-signature']);
  const viewer = viewerOf(request.headers.authorization, JWT_SECRET);
  if (url === '/page') return `{"data":{"me":${(await run(PAGE_STATEMENT, [viewer]))[0].page}}}`;
  if (url.startsWith('/access/')) {
    const filmId = url.slice('/access/'.length);
    const [row] = await run(ACCESS_ONE, [viewer, filmId]);
    return JSON.stringify({ data: { access: [decisionOf(filmId, row)] } });
  }
  if (url === '/access') {
    const rows = await run(ACCESS_MANY, [viewer, JSON.parse(body)]);
    return JSON.stringify({ data: { access: rows.map((row) => decisionOf(row.filmId, row)) } });
  }
  return buy(viewer, JSON.parse(body));
}

async function buy(viewer, { subscriptionId, idempotencyKey }) {
  const [row] = await run(PURCHASE_STATEMENT, [viewer, subscriptionId, idempotencyKey]);
  const grant = { id: row.grantId, availableUntil: row.availableUntil.toISOString() };
  const balance = { version: row.version, available: { amount: row.available, currency: row.currency } };
  return JSON.stringify({ data: { purchase: { grant, balance, errors: [] } } });
}

async function takeEvent(body, header) {
  const { t: timestamp, v1 } = Object.fromEntries(header.split(',').map((part) => part.split('=')));
  const expected = createHmac('sha256', WEBHOOK_SECRET).update(`${timestamp}.`).update(body).digest();
  const given = Buffer.from(v1, 'hex');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw new Error('not signed');
  if (Math.abs(Date.now() / 1_000 - Number(timestamp)) > TOLERANCE_SECONDS) throw new Error('stale');
  const text = body.toString();
  const event = JSON.parse(text);
  await run(STORE_EVENT, [event.id, event.type, text]);
  return '{"received":true}';
}

function respond(response, status, text) {
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

const server = http.createServer((request, response) => {
  const chunks = [];
  const reply = () =>
    answer(request, Buffer.concat(chunks)).then(
      (text) => respond(response, 200, text),
      (error) => respond(response, 500, JSON.stringify({ errors: [{ message: String(error) }] })),
    );
  if (request.method === 'GET') return void reply();
  request.on('data', (chunk) => chunks.push(chunk)).on('end', reply);
});
server.listen(Number(PORT), '127.0.0.1');
