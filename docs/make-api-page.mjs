// Runs the operations of docs/api.md against a server with fresh development data and writes the page with the real answers; with
// --check it compares them with the page instead, up to ids, instants, cursors and addresses, and ends with 1 when they differ.
// node docs/make-api-page.mjs http://localhost:4000 [--check]; npm run documented brings its own server.
import { readFileSync, writeFileSync } from 'node:fs';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';

const [base = 'http://localhost:4000'] = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const check = process.argv.includes('--check');
const tokens = Object.fromEntries((await get('/playground/tokens')).map(({ name, token }) => [name, token]));
// The last demo viewer: the first one is for trying things out.
tokens.viewer = (await get('/demo/viewers')).at(-1).token;
const page = [];

async function get(address) {
  const response = await fetch(`${base}${address}`);
  if (!response.ok) throw new Error(`${address} answered with ${response.status}`);
  return response.json();
}

async function ask(role, query, variables) {
  const response = await fetch(`${base}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(role && { authorization: `Bearer ${tokens[role]}` }) },
    body: JSON.stringify({ query, variables }),
  });
  const answer = await response.json();
  if (answer.errors) throw new Error(`${query}\n${JSON.stringify(answer.errors)}`);
  return answer.data;
}

const block = (language, text) => page.push(`\`\`\`${language}\n${text.trim()}\n\`\`\`\n`);

async function task(title, words, role, query, variables) {
  page.push(
    `## ${title}\n`,
    `${words}${role ? ` As ${role === 'admin' ? 'an admin' : `a ${role}`}:` : ' No token is needed:'}\n`,
  );
  block('graphql', query);
  if (variables) block('json', JSON.stringify(variables, null, 2));
  const data = await ask(role, query, variables);
  block('json', JSON.stringify({ data }, null, 2));
  return data;
}

/** The first item of a live operation. */
function firstOf(role, query) {
  const socket = createClient({
    url: `${base.replace(/^http/, 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { token: tokens[role] },
  });
  return new Promise((resolve, reject) => {
    const end = socket.subscribe(
      { query },
      {
        next(answer) {
          resolve(answer);
          end();
          socket.dispose();
        },
        error: reject,
        complete: () => undefined,
      },
    );
  });
}

/** Nothing is under way: what runs in the background has reached Stripe, and every event has come back and was looked at. */
async function settled() {
  const query = '{ stripeEvents(first: 100) { nodes { id status } } subscriptions { nodes { stripeSync { status } } } }';
  let before = '';
  for (const deadline = Date.now() + 30_000; ; await new Promise((resolve) => setTimeout(resolve, 300))) {
    const now = JSON.stringify(await ask('admin', query));
    if (now === before && !/"RECEIVED"|"PENDING"/.test(now)) return;
    if (Date.now() > deadline) throw new Error(`It never settled: ${now}`);
    before = now;
  }
}

async function pay(checkoutUrl) {
  const { origin, pathname } = new URL(checkoutUrl);
  const session = pathname.split('/').at(-1);
  const response = await fetch(`${origin}/sandbox/checkout/${session}/pay`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ card: '4242424242424242' }),
  });
  if (!response.ok) throw new Error(`The sandbox answered with ${response.status}: ${await response.text()}`);
}

await settled();
page.push(
  '# The API by task\n',
  'Each operation here was run by `docs/make-api-page.mjs` against the demo catalogue, and each answer is what came back. The',
  'reference with every description is [schema.graphql](../schema.graphql), also in the playground. Send operations to',
  '`POST /graphql` with `authorization: Bearer <token>`. Amounts are in minor units (cents).\n',
);

const { subscriptions } = await task(
  'See what is on sale',
  'The catalogue is public.',
  null,
  `query OnSale {
  subscriptions(first: 2) {
    nodes { id version title durationDays pricePerDay { amount currency } price { amount currency } films(first: 2) { nodes { id title } } }
    pageInfo { hasNextPage endCursor }
  }
}`,
);
const longOnes = subscriptions.nodes.filter((plan) => plan.durationDays > 1 && plan.price.amount > 0);
const plan = longOnes[0] ?? subscriptions.nodes[0];
const filmIds = plan.films.nodes.map((film) => film.id);
const accessQuery = `query MayWatch($filmIds: [ID!]!) {
  access(filmIds: $filmIds) { filmId allowed reason availableUntil offers(first: 1) { id title price { amount currency } } }
}`;
await task(
  'Ask whether films may be watched',
  'Up to 500 films at once; with offers that would open them.',
  'viewer',
  accessQuery,
  { filmIds },
);
const { purchase } = await task(
  'Buy by card',
  'Send the viewer to `checkoutUrl`. Asking again while the order is open gives the same session.',
  'viewer',
  `mutation Buy($input: PurchaseInput!) {
  purchase(input: $input) { order { id status checkoutUrl expiresAt amount { amount currency } } errors { code message path } }
}`,
  { input: { subscriptionId: plan.id, payWith: 'CARD', idempotencyKey: 'api-page-buy-by-card' } },
);
await pay(purchase.order.checkoutUrl);
const { order } = await task(
  'Look at an order from the landing page',
  'It looks at Stripe too while the order is open, so the page never shows stale news.',
  'viewer',
  `query Order($id: ID!) {
  order(id: $id) { status grant { id status availableUntil } transactions { kind amount { amount } balanceAfter { amount } } }
}`,
  { id: purchase.order.id },
);
await task('Ask again', 'The same question after the purchase.', 'viewer', accessQuery, { filmIds });
const { topUp } = await task(
  'Top up the balance',
  'Between the configured bounds.',
  'viewer',
  `mutation TopUp($input: TopUpInput!) {
  topUp(input: $input) { order { id status amount { amount currency } } errors { code message } }
}`,
  { input: { amount: 1200, currency: plan.price.currency, idempotencyKey: 'api-page-top-up' } },
);
const topUpOrder = await ask('viewer', 'query Url($id: ID!) { order(id: $id) { checkoutUrl } }', { id: topUp.order.id });
await pay(topUpOrder.order.checkoutUrl);
await ask('viewer', 'query Paid($id: ID!) { order(id: $id) { status } }', { id: topUp.order.id });
await task(
  'Buy from the balance',
  'Expected failures are data: here the balance does not cover it, or it does and the grant is there at once.',
  'viewer',
  `mutation BuyFromBalance($input: PurchaseInput!) {
  purchase(input: $input) {
    grant { id status availableUntil }
    balance { available { amount } }
    errors { code message ... on InsufficientFunds { shortfall { amount currency } } }
  }
}`,
  { input: { subscriptionId: plan.id, payWith: 'BALANCE', idempotencyKey: 'api-page-from-balance' } },
);
await task(
  'Ask what a refund would give',
  'Whole days not yet begun; [the rules](money.md#refund-of-a-grant).',
  'viewer',
  'query Quote($id: ID!) { node(id: $id) { ... on Grant { status refundQuote { unusedDays amount { amount currency } destination } } } }',
  { id: order.grant.id },
);
await task(
  'Give a grant back',
  'It ends at once; the money goes back the way it was paid unless `destination` says otherwise.',
  'viewer',
  `mutation GiveBack($input: RefundGrantInput!) {
  refundGrant(input: $input) {
    refund { id status destination amount { amount currency } }
    grant { status }
    balance { available { amount } held { amount } }
    errors { code message ... on NotRefundable { reason } }
  }
}`,
  { input: { grantId: order.grant.id, idempotencyKey: 'api-page-give-back' } },
);
await task(
  'Read the history',
  'Newest first; pass `endCursor` as `after` for the next page.',
  'viewer',
  `query History {
  me {
    balance { version available { amount } held { amount } }
    transactions(first: 4) { nodes { kind version amount { amount } balanceAfter { amount } counterAccount } pageInfo { hasNextPage endCursor } }
  }
}`,
);
page.push(
  '## Follow changes live\n',
  'Over graphql-ws: see [live.md](live.md), and [examples](../examples) for clients that resume. As a viewer:\n',
);
const follow = `subscription Follow($after: String) {
  balanceChanged(after: $after) { cursor balance { version available { amount } } transaction { kind amount { amount } } }
}`;
block('graphql', follow);
page.push('The present state comes first, then each change:\n');
block('json', JSON.stringify(await firstOf('viewer', follow), null, 2));
const { createFilms } = await task(
  'Add films',
  'All or none, in bulk.',
  'admin',
  'mutation AddFilms($input: [CreateFilmInput!]!) { createFilms(input: $input) { films { id title } errors { code message path } } }',
  { input: [{ title: 'The Playhouse' }, { title: 'One Week' }] },
);
const { createSubscription } = await task(
  'Prepare a subscription',
  'It begins as a draft.',
  'admin',
  'mutation Prepare($input: CreateSubscriptionInput!) { createSubscription(input: $input) { subscription { id status version price { amount currency } } errors { code message path } } }',
  {
    input: {
      title: 'Keaton week',
      description: 'Seven days of Buster Keaton.',
      filmIds: createFilms.films.map((film) => film.id),
      pricePerDay: 50,
      durationDays: 7,
    },
  },
);
await settled();
await task(
  'Put it on sale',
  'Its product and price are made at Stripe.',
  'admin',
  'mutation Activate($id: ID!) { activateSubscription(id: $id) { subscription { status stripeSync { status } } errors { code message } } }',
  { id: createSubscription.subscription.id },
);
await task(
  'Check the ledger',
  'Recomputes all balances and says what does not add up.',
  'admin',
  'query Ledger { verifyLedger { balancesChecked transactionsChecked discrepancies { rule expected found } } }',
);
await settled();
await task(
  'Look at what Stripe sent',
  'Newest first. Stripe sends in no promised order.',
  'admin',
  'query Events { stripeEvents(first: 2) { nodes { type status attempts } } }',
);

/**
 * The lines of a text, without what is another one in each run. Ids are numbered as they come, so that the same one is still seen to
 * be the same. The last task shows Stripe's events, which come in any order: so do its lines.
 */
function comparable(text) {
  const ids = new Map();
  const lines = text
    .replace(/"checkoutUrl": "[^"]*"/g, '"checkoutUrl": "…"')
    .replace(/"(\w*[cC]ursor)": "[^"]*"/g, '"$1": "…"')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'an instant')
    .replace(/\b(?!01939c1e-0000)[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\b/g, (id) => {
      if (!ids.has(id)) ids.set(id, `id ${ids.size + 1}`);
      return ids.get(id);
    })
    .split('\n');
  const last = lines.findLastIndex((line) => line.startsWith('## '));
  return [...lines.slice(0, last), ...lines.slice(last).sort()];
}

const file = new URL('api.md', import.meta.url);
if (check) {
  const [shown, real] = [readFileSync(file, 'utf8'), page.join('\n')].map(comparable);
  const line = real.findIndex((text, at) => text !== shown[at]);
  if (line >= 0 || shown.length !== real.length) {
    console.error(`docs/api.md, line ${line + 1}, says\n  ${shown[line]}\nbut what happens is\n  ${real[line]}`);
    console.error('Mend what is wrong, or write the page anew: npm run documented -- --write');
    process.exit(1);
  }
  console.log(
    `  ok  docs/api.md says what happens (${page.filter((text) => text.startsWith('```graphql')).length} operations run)`,
  );
} else {
  // The sandbox's usual port, not that of this run.
  writeFileSync(file, page.join('\n').replace(/127\.0\.0\.1:\d+\/checkout/g, '127.0.0.1:4010/checkout'));
  console.log('docs/api.md is written.');
}
