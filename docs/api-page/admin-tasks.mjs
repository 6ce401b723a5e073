/** What an admin does: the catalogue, one viewer's affairs, and what keeps the house in order. */
export async function keepHouse(page, userId, plan) {
  page.group('As an admin', 'admin', 'Whoever did something by hand, and why, stays on record.');
  await prepareSale(page);
  await helpViewer(page, userId, plan);
  await lookAfterMoney(page, userId, plan.price.currency);
  await lookAfterJobs(page);
}

async function prepareSale(page) {
  const { createFilms } = await page.task(
    'Add films',
    'All or none, up to 1000 at once.',
    'mutation AddFilms($input: [CreateFilmInput!]!) { createFilms(input: $input) { films { id title } errors { code message path } } }',
    { input: [{ title: 'The Playhouse' }, { title: 'One Wek' }] },
  );
  const filmIds = createFilms.films.map((film) => film.id);
  await page.task(
    "Change a film's words",
    'What is left out stays.',
    'mutation Rename($input: UpdateFilmInput!) { updateFilm(input: $input) { film { title } errors { code message path } } }',
    { input: { id: filmIds[1], title: 'One Week' } },
  );
  const { createSubscription } = await page.task(
    'Prepare a subscription',
    'It begins as a draft.',
    `mutation Prepare($input: CreateSubscriptionInput!) {
  createSubscription(input: $input) { subscription { id status version price { amount currency } } errors { code message path } }
}`,
    {
      input: { title: 'Keaton week', description: 'Seven days of Buster Keaton.', filmIds, pricePerDay: 50, durationDays: 7 },
    },
  );
  const { id } = createSubscription.subscription;
  await page.house.settled();
  await page.task(
    'Put it on sale',
    'Its product and price are made at Stripe.',
    'mutation Activate($id: ID!) { activateSubscription(id: $id) { subscription { status stripeSync { status } } errors { code message path } } }',
    { id },
  );
  await page.house.settled();
  await page.task(
    'Change its price',
    'A change of price, duration or films makes a new version; what was sold keeps its own.',
    `mutation Reprice($input: UpdateSubscriptionInput!) {
  updateSubscription(input: $input) { subscription { version price { amount } } errors { code message path } }
}`,
    { input: { id, pricePerDay: 40 } },
  );
  await page.house.settled();
  const archive = `mutation Archive($id: ID!) {
  archiveSubscription(id: $id) { subscription { status } errors { code message path ... on WrongState { state } } }
}`;
  await page.task('Take it off sale', 'For good; what was sold stays valid.', archive, { id });
  await page.house.settled();
}

async function helpViewer(page, userId, plan) {
  const { giftGrant } = await page.task(
    'Give a grant for nothing',
    'A gift cannot be refunded.',
    `mutation Gift($input: GiftGrantInput!) {
  giftGrant(input: $input) { grant { id status paidWith availableUntil reason } errors { code message path } }
}`,
    { input: { userId, subscriptionId: plan.id, reason: 'the film stopped in the middle', idempotencyKey: 'api-page-gift' } },
  );
  await page.task(
    'Take a grant away',
    'Without a refund.',
    'mutation Revoke($input: RevokeGrantInput!) { revokeGrant(input: $input) { grant { status reason } errors { code message path } } }',
    { input: { grantId: giftGrant.grant.id, reason: 'given by mistake' } },
  );
}

const ADJUST = `mutation Adjust($input: AdjustBalanceInput!) {
  adjustBalance(input: $input) {
    transaction { kind amount { amount } reason }
    balance { version available { amount } }
    errors { code message path ... on InsufficientFunds { shortfall { amount } } }
  }
}`;

async function lookAfterMoney(page, userId, currency) {
  const input = { userId, currency, reason: 'an apology' };
  await page.task('Change a balance by hand', 'Never below what is held.', ADJUST, {
    input: { ...input, amount: 100, idempotencyKey: 'api-page-adjust' },
  });
  await page.task(
    'Use a key again for something else',
    'The same key with the same input gives the first answer again; with other input it is refused. So it is for all that moves money.',
    ADJUST,
    { input: { ...input, amount: 1000, idempotencyKey: 'api-page-adjust' } },
  );
  await page.task(
    "Look into a viewer's account",
    'All that `me` shows the viewer; `balanceAt` tells how it stood at an instant.',
    `query Account($userId: ID!) {
  account(userId: $userId) {
    balance { available { amount } }
    balanceAt(time: "2026-01-01T00:00:00Z") { amount }
    orders(first: 1, status: CANCELLED) { nodes { kind amount { amount } } }
  }
}`,
    { userId },
  );
  await page.task(
    'List the accounts',
    'Those that have or had a balance, by user id.',
    'query Accounts { accounts(first: 2) { nodes { userId balance { posted { amount } held { amount } } } pageInfo { hasNextPage } } }',
  );
  await page.task(
    'Check the ledger',
    'Recomputes all balances and says what does not add up.',
    'query Ledger { verifyLedger { balancesChecked transactionsChecked discrepancies { rule expected found } } }',
  );
}

async function lookAfterJobs(page) {
  await page.house.settled();
  const before = await lastRunOf(page, 'reconcile');
  await page.task(
    'Start a job',
    'In the next worker that is free, beside its schedule.',
    'mutation Start { runJob(name: "reconcile") { job { name schedule } errors { code message path } } }',
  );
  await page.house.until(async () => (await lastRunOf(page, 'reconcile')) !== before, 'the job has run');
  await page.task(
    'See how the jobs fare',
    'Also when each ran last and runs next, how long it took, and why it failed.',
    'query Jobs { jobs { name schedule failCount } }',
  );
  await page.task(
    'Read what was compared with Stripe',
    'Newest first; [what the findings mean](operations.md#reconciliation).',
    'query Compared { reconciliations(first: 1) { nodes { startedAt findingsCount findings { kind detail repaired } } } }',
  );
  const { stripeEvents } = await page.task(
    'Look at what Stripe sent',
    'Newest first. `status: FAILED` lists what was given up.',
    'query Events { stripeEvents(first: 1, status: PROCESSED) { nodes { id type attempts receivedAt lastError } } }',
  );
  await page.task(
    'Try an event again',
    'At once. An event may be applied any number of times.',
    'mutation Replay($id: ID!) { replayStripeEvent(id: $id) { stripeEvent { status } errors { code message path } } }',
    { id: stripeEvents.nodes[0].id },
  );
}

/** When a job that has ended last began. */
async function lastRunOf(page, name) {
  const { jobs } = await page.house.ask('admin', '{ jobs { name lastRunAt } }');
  return jobs.find((job) => job.name === name).lastRunAt;
}
