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

/** What needs no token. Gives back a subscription of several days that costs something. */
export async function lookAround(page) {
  page.group('Without a token', null, 'The catalogue is public.');
  const { subscriptions } = await page.task(
    'See what is on sale',
    'Cheapest first; pass `endCursor` as `after` for the next page.',
    ON_SALE,
  );
  const plan = subscriptions.nodes.find(({ durationDays, price }) => durationDays > 1 && price.amount > 0);
  await page.task(
    'Show one subscription',
    'Null when there is none that the caller may see.',
    'query Plan($id: ID!) { subscription(id: $id) { title description status films(first: 3) { nodes { title } } } }',
    { id: plan.id },
  );
  await page.task(
    'Search films',
    'By a part of the title, whatever the case.',
    'query Search { films(first: 2, search: "night") { nodes { id title } pageInfo { hasNextPage } } }',
  );
  await page.task(
    'Show one film',
    'With what would open it.',
    'query Film($id: ID!) { film(id: $id) { title description subscriptions(first: 1) { nodes { title price { amount } } } } }',
    { id: plan.films.nodes[0].id },
  );
  await page.refusedTask(
    'Be refused',
    'Without a token, or with the wrong role, the answer is a GraphQL error with a stable `extensions.code`.',
    'query WhoAmI { me { userId } }',
  );
  return plan;
}
