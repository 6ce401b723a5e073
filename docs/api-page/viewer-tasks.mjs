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

/** What a viewer does, and what a service asks about them. Gives back who it was. */
export async function buyAndGiveBack(page, plan) {
  const filmIds = plan.films.nodes.map((film) => film.id);
  page.group('As a viewer', 'viewer', 'A viewer sees and spends only their own.');
  const grantId = await buyByCard(page, plan, filmIds);
  await buyFromBalance(page, plan);
  await giveGrantBack(page, grantId);
  const userId = await readHistory(page);
  await giveTopUpBack(page, plan.price.currency);
  await followLive(page);
  page.group('As a service', 'service', 'A player or CDN asks for anyone.');
  await page.task(
    'Ask whether a viewer may watch',
    'The same question with `userId`.',
    'query MayTheyWatch($userId: ID!, $filmIds: [ID!]!) { access(userId: $userId, filmIds: $filmIds) { allowed reason availableUntil } }',
    { userId, filmIds },
  );
  return userId;
}

async function buyByCard(page, plan, filmIds) {
  await page.task('Ask whether films may be watched', 'Up to 500 films at once; with offers that would open them.', ACCESS, {
    filmIds,
  });
  const { purchase } = await page.task(
    'Buy by card',
    'Send the viewer to `checkoutUrl`. Asking again while the order is open returns the same session; with another `returnUrl` it is replaced.',
    `mutation Buy($input: PurchaseInput!) {
  purchase(input: $input) { order { id status checkoutUrl expiresAt amount { amount currency } } errors { code message path } }
}`,
    { input: { subscriptionId: plan.id, payWith: 'CARD', idempotencyKey: 'api-page-buy-by-card' } },
  );
  const orderId = purchase.order.id;
  await page.house.pay(orderId);
  const { order } = await page.task(
    'Look at an order from the landing page',
    'It looks at Stripe too while the order is open, so the page never shows stale news.',
    `query Order($id: ID!) {
  order(id: $id) { status grant { id status availableUntil } transactions { kind amount { amount } balanceAfter { amount } } }
}`,
    { id: orderId },
  );
  await page.task('Ask again', 'The same question after the purchase.', ACCESS, { filmIds });
  return order.grant.id;
}

async function buyFromBalance(page, plan) {
  const input = { subscriptionId: plan.id, payWith: 'BALANCE' };
  await page.task(
    'Buy from a balance that does not cover it',
    'The error says how much is missing. Nothing has changed.',
    FROM_BALANCE,
    {
      input: { ...input, idempotencyKey: 'api-page-too-little' },
    },
  );
  const { topUp } = await page.task(
    'Top up the balance',
    'Between the configured bounds; paid at the `checkoutUrl` of the order.',
    TOP_UP,
    { input: { amount: 1200, currency: plan.price.currency, idempotencyKey: 'api-page-top-up' } },
  );
  await page.house.pay(topUp.order.id);
  await page.house.ask('viewer', 'query Paid($id: ID!) { order(id: $id) { status } }', { id: topUp.order.id });
  await page.task('Buy from the balance', 'The grant is there at once.', FROM_BALANCE, {
    input: { ...input, idempotencyKey: 'api-page-from-balance' },
  });
}

const GIVE_BACK = `mutation GiveBack($input: RefundGrantInput!) {
  refundGrant(input: $input) {
    refund { id status destination amount { amount currency } }
    grant { status }
    balance { available { amount } held { amount } }
    errors { code message path ... on NotRefundable { reason } }
  }
}`;

async function giveGrantBack(page, grantId) {
  await page.task(
    'Ask what a refund would give',
    'Whole days not yet begun; [the rules](money.md#refund-of-a-grant). `node` finds anything that has an id.',
    'query Quote($id: ID!) { node(id: $id) { ... on Grant { status refundQuote { unusedDays amount { amount currency } destination } } } }',
    { id: grantId },
  );
  await page.task(
    'Give a grant back',
    'It ends at once; the money goes back the way it was paid unless `destination` says otherwise.',
    GIVE_BACK,
    { input: { grantId, idempotencyKey: 'api-page-give-back' } },
  );
  await page.task('Give back what was given back', 'Each refusal has its reason.', GIVE_BACK, {
    input: { grantId, idempotencyKey: 'api-page-give-back-again' },
  });
}

async function readHistory(page) {
  const { me } = await page.task(
    'Read the history',
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

async function giveTopUpBack(page, currency) {
  const query = '{ me { transactions(first: 1, kind: TOP_UP) { nodes { id } } } }';
  const [topUp] = (await page.house.ask('viewer', query)).me.transactions.nodes;
  await page.task(
    'Give a top-up back',
    'To the card that paid, in whole or in part, while the balance covers it.',
    `mutation GiveTopUpBack($input: RefundTransactionInput!) {
  refundTransaction(input: $input) {
    refund { status amount { amount currency } transaction { refundable { amount } } }
    balance { available { amount } }
    errors { code message path ... on AmountOutOfBounds { minimum { amount } maximum { amount } } }
  }
}`,
    { input: { transactionId: topUp.id, amount: 200, idempotencyKey: 'api-page-top-up-back' } },
  );
  await page.house.settled();
  const input = { amount: 500, currency, idempotencyKey: 'api-page-second-thoughts' };
  const { topUp: second } = await page.house.ask('viewer', TOP_UP, { input });
  await page.task(
    'Cancel an order',
    'While it is open; its checkout session is expired first. An order that is PROCESSING cannot be cancelled.',
    'mutation Cancel($orderId: ID!) { cancelOrder(orderId: $orderId) { order { status checkoutUrl } errors { code message path } } }',
    { orderId: second.order.id },
  );
}

async function followLive(page) {
  await page.house.settled();
  await page.liveTask(
    'Follow the balance live',
    `Over graphql-ws: see [live.md](live.md), and [examples](../examples) for clients that resume. The present state comes first, then
each change.`,
    `subscription FollowBalance($after: String) {
  balanceChanged(after: $after) { cursor balance { version available { amount } } transaction { kind amount { amount } } }
}`,
  );
  await page.liveTask(
    'Follow grants live',
    'Those that are ACTIVE or SUSPENDED come first, then each change.',
    `subscription FollowGrants($after: String) {
  grantChanged(after: $after) { cursor grant { id status availableUntil subscription { title } } }
}`,
  );
}
