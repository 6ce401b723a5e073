const ON_SALE = `query OnSale {
  subscriptions(first: 2) {
    nodes {
      id version title durationDays
      pricePerDay { amount } price { amount currency }
      films(first: 2) { nodes { id title } }
    }
    pageInfo { hasNextPage endCursor }
  }
}`;

/** Tasks that need no token. Returns a subscription that lasts several days and is not free. */
export async function browse(page) {
  page.group('Without a token', null, 'The catalogue is public.');
  const { subscriptions } = await page.task(
    'List subscriptions on sale',
    'Cheapest first; pass `endCursor` as `after` for the next page.',
    ON_SALE,
  );
  const plan = subscriptions.nodes.find(({ durationDays, price }) => durationDays > 1 && price.amount > 0);
  await page.task(
    'Get a subscription',
    'Null if it does not exist or the caller may not see it.',
    'query Plan($id: ID!) { subscription(id: $id) { title description status films(first: 3) { nodes { title } } } }',
    { id: plan.id },
  );
  await page.task(
    'Search films',
    'By part of the title, ignoring case.',
    'query Search { films(first: 2, search: "night") { nodes { id title } pageInfo { hasNextPage } } }',
  );
  await page.task(
    'Get a film',
    'With the subscriptions that include it.',
    'query Film($id: ID!) { film(id: $id) { title description subscriptions(first: 1) { nodes { title price { amount } } } } }',
    { id: plan.films.nodes[0].id },
  );
  await page.refusedTask(
    'Authentication errors',
    'Without a token, or with the wrong role, the response has a GraphQL error with a stable `extensions.code`.',
    'query WhoAmI { me { userId } }',
  );
  return plan;
}
