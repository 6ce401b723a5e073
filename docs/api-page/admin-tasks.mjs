/** What an admin does: the catalogue, one viewer's account, the ledger and the jobs. */
export async function administer(page, userId, plan) {
  page.group('As an admin', 'admin', 'Manual changes are recorded with who made them and why.');
  await sellSubscription(page);
  await supportViewer(page, userId, plan);
  await manageLedger(page, userId, plan.price.currency);
  await proveHistory(page, userId);
  await manageJobs(page);
}

async function sellSubscription(page) {
  const { createFilms } = await page.task(
    'Add films',
    'All or none, up to 1000 per request.',
    'mutation AddFilms($input: [CreateFilmInput!]!) { createFilms(input: $input) { films { id title } errors { code message path } } }',
    { input: [{ title: 'The Playhouse' }, { title: 'One Wek' }] },
  );
  const filmIds = createFilms.films.map((film) => film.id);
  await page.task(
    'Update a film',
    'Omitted fields keep their value.',
    'mutation Rename($input: UpdateFilmInput!) { updateFilm(input: $input) { film { title } errors { code message path } } }',
    { input: { id: filmIds[1], title: 'One Week' } },
  );
  const { createSubscription } = await page.task(
    'Create a subscription',
    'It starts as a draft.',
    `mutation Prepare($input: CreateSubscriptionInput!) {
  createSubscription(input: $input) { subscription { id status version price { amount currency } } errors { code message path } }
}`,
    {
      input: { title: 'Keaton week', description: 'Seven days of Buster Keaton.', filmIds, pricePerDay: 50, durationDays: 7 },
    },
  );
  const { id } = createSubscription.subscription;
  await page.server.settled();
  await page.task(
    'Activate a subscription',
    'It goes on sale. Its product and price are created at Stripe.',
    'mutation Activate($id: ID!) { activateSubscription(id: $id) { subscription { status stripeSync { status } } errors { code message path } } }',
    { id },
  );
  await page.server.settled();
  await page.task(
    'Change the price of a subscription',
    'A change of price, duration or films creates a new version; grants keep the version they were sold with.',
    `mutation Reprice($input: UpdateSubscriptionInput!) {
  updateSubscription(input: $input) { subscription { version price { amount } } errors { code message path } }
}`,
    { input: { id, pricePerDay: 40 } },
  );
  await page.server.settled();
  const archive = `mutation Archive($id: ID!) {
  archiveSubscription(id: $id) { subscription { status } errors { code message path ... on WrongState { state } } }
}`;
  await page.task('Archive a subscription', 'It is permanently off sale. Grants stay valid.', archive, { id });
  await page.server.settled();
}

async function supportViewer(page, userId, plan) {
  const { giftGrant } = await page.task(
    'Gift a grant',
    'A gift is free and cannot be refunded.',
    `mutation Gift($input: GiftGrantInput!) {
  giftGrant(input: $input) { grant { id status paidWith availableUntil reason } errors { code message path } }
}`,
    { input: { userId, subscriptionId: plan.id, reason: 'playback failed', idempotencyKey: 'api-page-gift' } },
  );
  await page.task(
    'Revoke a grant',
    'It ends without a refund.',
    'mutation Revoke($input: RevokeGrantInput!) { revokeGrant(input: $input) { grant { status reason } errors { code message path } } }',
    { input: { grantId: giftGrant.grant.id, reason: 'gifted by mistake' } },
  );
}

const ADJUST = `mutation Adjust($input: AdjustBalanceInput!) {
  adjustBalance(input: $input) {
    transaction { kind amount { amount } reason }
    balance { version available { amount } }
    errors { code message path ... on InsufficientFunds { shortfall { amount } } }
  }
}`;

async function manageLedger(page, userId, currency) {
  const input = { userId, currency, reason: 'an apology' };
  await page.task('Adjust a balance', 'Never below what is held.', ADJUST, {
    input: { ...input, amount: 100, idempotencyKey: 'api-page-adjust' },
  });
  await page.task(
    'Reuse an idempotency key',
    'The same key with the same input returns the first response again; with other input it is refused. This applies to every mutation that moves money.',
    ADJUST,
    { input: { ...input, amount: 1000, idempotencyKey: 'api-page-adjust' } },
  );
  await page.task(
    "Get a viewer's account",
    'Everything that `me` shows the viewer; `balanceAt` returns the balance at a point in time.',
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
    'List accounts',
    'Viewers that have or had a balance, by user id.',
    'query Accounts { accounts(first: 2) { nodes { userId balance { posted { amount } held { amount } } } pageInfo { hasNextPage } } }',
  );
  const before = await lastRunOf(page, 'verify-ledger');
  await page.server.ask('admin', 'mutation { runJob(name: "verify-ledger") { errors { code } } }');
  await page.server.until(async () => (await lastRunOf(page, 'verify-ledger')) !== before, 'the ledger to be verified');
  await page.task(
    'Verify the ledger',
    'What the nightly job has found; `runJob(name: "verify-ledger")` starts a round now.',
    'query Ledger { verifyLedger { cycleComplete viewers balancesChecked discrepancies { rule expected found } } }',
  );
}

async function proveHistory(page, userId) {
  const before = await lastRunOf(page, 'sign-ledger-root');
  await page.server.ask('admin', 'mutation { runJob(name: "sign-ledger-root") { errors { code } } }');
  await page.server.until(async () => (await lastRunOf(page, 'sign-ledger-root')) !== before, 'the root to be signed');
  await page.task(
    'List the signed roots of the ledger',
    'Newest first. A job signs one every night; [what they prove](proofs.md).',
    'query Roots { ledgerRoots(first: 1) { nodes { root previousRoot heads signedAt } } }',
  );
  await page.task(
    "Prove a viewer's history",
    'From their last journal entry to the signed root; [how to verify it](proofs.md#verify-a-viewers-history). `me` shows it to the viewer.',
    `query Proof($userId: ID!) {
  account(userId: $userId) {
    proof { head sequence path root { root heads } }
    transactions(first: 1) { nodes { kind hash } }
  }
}`,
    { userId },
  );
}

async function manageJobs(page) {
  await page.server.settled();
  const before = await lastRunOf(page, 'reconcile');
  await page.task(
    'Run a job now',
    'On the next free worker, in addition to its schedule.',
    'mutation Start { runJob(name: "reconcile") { job { name schedule } errors { code message path } } }',
  );
  await page.server.until(async () => (await lastRunOf(page, 'reconcile')) !== before, 'the job to run');
  await page.task(
    'Check job status',
    'Also available: when each job ran and will run next, how long it took, and why it failed.',
    'query Jobs { jobs { name schedule failCount } }',
  );
  await page.task(
    'Check reconciliation with Stripe',
    'Newest first; [what the findings mean](operations.md#reconciliation).',
    'query Compared { reconciliations(first: 1) { nodes { startedAt findingsCount findings { kind detail repaired } } } }',
  );
  const { stripeEvents } = await page.task(
    'Inspect Stripe events',
    'Newest first. `status: FAILED` lists those that were abandoned.',
    'query Events { stripeEvents(first: 1, status: PROCESSED) { nodes { id type attempts receivedAt lastError } } }',
  );
  await page.task(
    'Replay a Stripe event',
    'Immediately. Applying an event several times is safe.',
    'mutation Replay($id: ID!) { replayStripeEvent(id: $id) { stripeEvent { status } errors { code message path } } }',
    { id: stripeEvents.nodes[0].id },
  );
}

/** When a finished job last started. */
async function lastRunOf(page, name) {
  const { jobs } = await page.server.ask('admin', '{ jobs { name lastRunAt } }');
  return jobs.find((job) => job.name === name).lastRunAt;
}
