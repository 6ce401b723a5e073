const ACCESS = `query MayWatch($filmIds: [ID!]!) {
  access(filmIds: $filmIds) { filmId allowed reason availableUntil offers(first: 1) { id title price { amount currency } } }
}`;

const FROM_BALANCE = `mutation BuyFromBalance($input: PurchaseInput!) {
  purchase(input: $input) {
    grant { id status availableUntil }
    balance { available { amount } }
    errors { code message path ... on InsufficientFunds { shortfall { amount currency } } }
  }
}`;

const TOP_UP = `mutation TopUp($input: TopUpInput!) {
  topUp(input: $input) { order { id status amount { amount currency } } errors { code message path } }
}`;

/** What a viewer does, and what a service asks about the viewer. Returns the viewer's id. */
export async function buyAndRefund(page, plan) {
  const filmIds = plan.films.nodes.map((film) => film.id);
  page.group('As a viewer', 'viewer', 'Viewers can see and spend only what is theirs.');
  const grantId = await buyByCard(page, plan, filmIds);
  await buyFromBalance(page, plan);
  await refundGrant(page, grantId);
  const userId = await readHistory(page);
  await refundTopUp(page, plan.price.currency);
  await followLive(page);
  page.group('As a service', 'service', 'A player or CDN can ask about any viewer.');
  await page.task(
    'Check access for a viewer',
    'The same query with `userId`.',
    'query MayTheyWatch($userId: ID!, $filmIds: [ID!]!) { access(userId: $userId, filmIds: $filmIds) { allowed reason availableUntil } }',
    { userId, filmIds },
  );
  return userId;
}

async function buyByCard(page, plan, filmIds) {
  await page.task('Check access to films', 'Up to 500 films per request, with offers that would give access.', ACCESS, {
    filmIds,
  });
  const { purchase } = await page.task(
    'Buy by card',
    'Redirect the viewer to `checkoutUrl`. While the order is open, the same purchase returns the same session; a different `returnUrl` replaces it.',
    `mutation Buy($input: PurchaseInput!) {
  purchase(input: $input) { order { id status checkoutUrl expiresAt amount { amount currency } } errors { code message path } }
}`,
    { input: { subscriptionId: plan.id, payWith: 'CARD', idempotencyKey: 'api-page-buy-by-card' } },
  );
  const orderId = purchase.order.id;
  await page.server.pay(orderId);
  const { order } = await page.task(
    'Check an order on the landing page',
    'While the order is open this also asks Stripe, so the landing page is never out of date.',
    `query Order($id: ID!) {
  order(id: $id) { status grant { id status availableUntil } transactions { kind amount { amount } balanceAfter { amount } } }
}`,
    { id: orderId },
  );
  await page.task('Check access after the purchase', 'The same query as before.', ACCESS, { filmIds });
  return order.grant.id;
}

async function buyFromBalance(page, plan) {
  const input = { subscriptionId: plan.id, payWith: 'BALANCE' };
  await page.task('Insufficient balance', 'The error says how much is missing. Nothing changes.', FROM_BALANCE, {
    input: { ...input, idempotencyKey: 'api-page-too-little' },
  });
  const { topUp } = await page.task(
    'Top up the balance',
    'Within the configured bounds; the viewer pays at the `checkoutUrl` of the order.',
    TOP_UP,
    { input: { amount: 1200, currency: plan.price.currency, idempotencyKey: 'api-page-top-up' } },
  );
  await page.server.pay(topUp.order.id);
  await page.server.ask('viewer', 'query Paid($id: ID!) { order(id: $id) { status } }', { id: topUp.order.id });
  await page.task('Buy from the balance', 'The grant is available immediately.', FROM_BALANCE, {
    input: { ...input, idempotencyKey: 'api-page-from-balance' },
  });
}

const REFUND_GRANT = `mutation RefundGrant($input: RefundGrantInput!) {
  refundGrant(input: $input) {
    refund { id status destination amount { amount currency } }
    grant { status }
    balance { available { amount } held { amount } }
    errors { code message path ... on NotRefundable { reason } }
  }
}`;

async function refundGrant(page, grantId) {
  await page.task(
    'Quote a refund',
    'Whole unused days, by [these rules](money.md#refund-a-grant). `node` finds any object by its id.',
    'query Quote($id: ID!) { node(id: $id) { ... on Grant { status refundQuote { unusedDays amount { amount currency } destination } } } }',
    { id: grantId },
  );
  await page.task(
    'Refund a grant',
    'It ends immediately. The money goes back the way it was paid unless `destination` says otherwise.',
    REFUND_GRANT,
    { input: { grantId, idempotencyKey: 'api-page-refund-grant' } },
  );
  await page.task('Refund a grant twice', 'Each refusal has a reason.', REFUND_GRANT, {
    input: { grantId, idempotencyKey: 'api-page-refund-grant-again' },
  });
}

async function readHistory(page) {
  const { me } = await page.task(
    'List grants and transactions',
    'Newest first; pass `endCursor` as `after` for the next page.',
    `query History {
  me {
    userId
    balance { version available { amount } held { amount } }
    grants(first: 1) { nodes { status paidWith subscription { title } } }
    transactions(first: 4) {
      nodes { kind version amount { amount } balanceAfter { amount } counterAccount }
      pageInfo { hasNextPage endCursor }
    }
  }
}`,
  );
  return me.userId;
}

async function refundTopUp(page, currency) {
  const query = '{ me { transactions(first: 1, kind: TOP_UP) { nodes { id } } } }';
  const [topUp] = (await page.server.ask('viewer', query)).me.transactions.nodes;
  await page.task(
    'Refund a top-up',
    'To the card that paid, in whole or in part, while the balance covers it.',
    `mutation RefundTopUp($input: RefundTransactionInput!) {
  refundTransaction(input: $input) {
    refund { status amount { amount currency } transaction { refundable { amount } } }
    balance { available { amount } }
    errors { code message path ... on AmountOutOfBounds { minimum { amount } maximum { amount } } }
  }
}`,
    { input: { transactionId: topUp.id, amount: 200, idempotencyKey: 'api-page-refund-top-up' } },
  );
  await page.server.settled();
  const input = { amount: 500, currency, idempotencyKey: 'api-page-cancelled-top-up' };
  const { topUp: second } = await page.server.ask('viewer', TOP_UP, { input });
  await page.task(
    'Cancel an order',
    'Only while it is open; its checkout session is expired first. An order that is PROCESSING cannot be cancelled.',
    'mutation Cancel($orderId: ID!) { cancelOrder(orderId: $orderId) { order { status checkoutUrl } errors { code message path } } }',
    { orderId: second.order.id },
  );
}

async function followLive(page) {
  await page.server.settled();
  await page.liveTask(
    'Subscribe to balance changes',
    `Over graphql-ws: see [live.md](live.md), and [examples](../examples) for clients that resume. The current state comes first, then
each change.`,
    `subscription FollowBalance($after: String) {
  balanceChanged(after: $after) { cursor balance { version available { amount } } transaction { kind amount { amount } } }
}`,
  );
  await page.liveTask(
    'Subscribe to grant changes',
    'The grants that are ACTIVE or SUSPENDED come first, then each change.',
    `subscription FollowGrants($after: String) {
  grantChanged(after: $after) { cursor grant { id status availableUntil subscription { title } } }
}`,
  );
}
