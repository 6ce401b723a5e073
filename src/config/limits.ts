import { type Environment, wholeNumber } from './env.js';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const kibibyte = 1_024;
const mebibyte = 1_024 * kibibyte;

/** [default, minimum, maximum] */
type Bounds = readonly [number, number, number];

/**
 * Every limit: its default and its allowed range. Each name ends with its unit. The environment variable is the name in capitals:
 * `topUpMinimumMinorUnits` is set by `TOP_UP_MINIMUM_MINOR_UNITS`.
 */
const table = {
  // Money
  topUpMinimumMinorUnits: [500, 1, 100_000_000],
  topUpMaximumMinorUnits: [100_000, 1, 100_000_000],
  pricePerDayMaximumMinorUnits: [1_000_000, 1, 100_000_000],
  // 99999999 is the largest amount Stripe accepts in one payment: https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
  paymentMaximumMinorUnits: [99_999_999, 1, 99_999_999],
  // Stripe's minimum charge is 50 for most currencies (same page). Free plans need no payment.
  paymentMinimumMinorUnits: [50, 1, 1_000_000],
  adjustmentMaximumMinorUnits: [10_000_000, 1, 1_000_000_000],

  // Catalogue
  subscriptionDurationMaximumDays: [3_660, 1, 3_660],
  subscriptionFilmsMaximumCount: [10_000, 1, 10_000],
  createFilmsMaximumCount: [1_000, 1, 5_000],
  descriptionMaximumCharacters: [5_000, 1, 50_000],

  // Reads
  accessFilmsMaximumCount: [500, 1, 5_000],
  // Viewers per access statement, and how many of these statements run at once.
  accessBatchMaximumCount: [50, 1, 1_000],
  accessStatementsMaximumCount: [2, 1, 200],
  pageMaximumCount: [100, 1, 1_000],
  searchMaximumCharacters: [100, 1, 1_000],
  filmSetCacheCount: [2_000, 1, 1_000_000],

  // HTTP and GraphQL requests
  queryDepthMaximumCount: [14, 3, 100],
  // Cost: one for each object and leaf that a response may contain, one for each 200 characters of a long text.
  queryCostMaximumCount: [65_000, 100, 10_000_000],
  queryCostAnonymousMaximumCount: [5_000, 100, 10_000_000],
  queryAliasesMaximumCount: [30, 1, 1_000],
  queryDirectivesMaximumCount: [50, 1, 1_000],
  queryRootFieldsMaximumCount: [20, 1, 1_000],
  queryTokensMaximumCount: [2_000, 100, 100_000],
  querySelectionsMaximumCount: [10_000, 100, 1_000_000],
  // Enough for all film ids of a subscription, and for the fields of all films in one createFilms.
  queryVariableValuesMaximumCount: [25_000, 1_000, 1_000_000],
  documentCacheBytes: [32 * mebibyte, mebibyte, 1_024 * mebibyte],
  responseBytes: [4_096 * kibibyte, 64 * kibibyte, 65_536 * kibibyte],
  requestBodyBytes: [512 * kibibyte, kibibyte, 16_384 * kibibyte],
  requestHeaderBytes: [16 * kibibyte, 4 * kibibyte, 256 * kibibyte],
  // For a request to arrive, and for it to be processed.
  requestTimeoutMs: [10 * second, 100, 5 * minute],
  // How long a response, or a message on a socket, may wait for its client to read it.
  responseWriteTimeoutMs: [30 * second, 100, 10 * minute],
  // Bytes waiting for clients to read, on all connections together; above this, the fullest are closed.
  responsesBufferedBytes: [262_144 * kibibyte, 1_024 * kibibyte, 16_777_216 * kibibyte],
  // Requests of one connection that may wait for their responses.
  pipelinedRequestsCount: [10, 1, 1_000],
  // Besides WebSockets.
  httpConnectionsMaximumCount: [10_000, 10, 1_000_000],
  webhookBodyBytes: [512 * kibibyte, kibibyte, 16_384 * kibibyte],
  // Stripe signs with its own clock; its libraries default to five minutes: https://docs.stripe.com/webhooks#replay-attacks
  webhookToleranceSeconds: [300, 1, 3_600],

  // Rates, per window
  rateLimitWindowMs: [minute, second, hour],
  rateLimitReadsCount: [1_200, 1, 10_000_000],
  rateLimitWritesCount: [240, 1, 10_000_000],
  rateLimitMoneyCount: [60, 1, 10_000_000],
  rateLimitAddressCount: [3_000, 1, 10_000_000],
  // /readyz and /metrics query the database at most once in this time.
  probeCacheMs: [second, 0, minute],

  // Identity
  // The provider's keys are fetched again after this time, so a revoked key is noticed.
  jwksFreshMs: [minute, 100, day],
  // How much longer known keys are used while the provider cannot be reached.
  jwksStaleMs: [hour, 0, 30 * day],
  // The minimum time between fetches after a failure, or for tokens signed by an unknown key.
  jwksCooldownMs: [2 * second, 10, hour],
  jwksTimeoutMs: [5 * second, 10, minute],

  // Live
  connectionInitTimeoutMs: [5 * second, 100, minute],
  socketsMaximumCount: [20_000, 1, 1_000_000],
  socketsPerViewerCount: [20, 1, 10_000],
  // Sockets of one address that are not acknowledged yet.
  socketsWaitingPerAddressCount: [250, 1, 1_000_000],
  operationsPerSocketCount: [20, 1, 1_000],
  socketMessageBytes: [64 * kibibyte, kibibyte, 4_096 * kibibyte],
  // What one socket may send within the window: messages including all pings and pongs, and bytes.
  socketMessagesWindowMs: [10 * second, 100, hour],
  socketMessagesCount: [3_000, 10, 10_000_000],
  socketReceivedBytes: [4_096 * kibibyte, 16 * kibibyte, 1_048_576 * kibibyte],
  socketBufferedBytes: [1_024 * kibibyte, 16 * kibibyte, 65_536 * kibibyte],
  // How long a client may take to acknowledge a close before its connection is terminated.
  socketCloseGraceMs: [2 * second, 50, minute],
  socketKeepAliveMs: [12 * second, 100, 5 * minute],
  // How often missed changes are polled for: while hints from other processes do not arrive, and while they do.
  liveSweepIntervalMs: [second, 50, minute],
  liveQuietSweepIntervalMs: [30 * second, 50, 10 * minute],
  liveBatchCount: [100, 1, 10_000],
  liveEventRetentionMs: [7 * day, minute, 365 * day],

  // Database
  databasePoolCount: [8, 1, 200],
  databaseConnectTimeoutMs: [5 * second, 100, minute],
  databaseStatementTimeoutMs: [10 * second, 100, 10 * minute],
  databaseLockTimeoutMs: [5 * second, 100, 10 * minute],
  // Statements and transactions of one viewer that may hold a connection at once, and how many more may wait for one.
  viewerStatementsMaximumCount: [2, 1, 200],
  viewerStatementsQueueCount: [200, 0, 100_000],
  databaseIdleTransactionTimeoutMs: [15 * second, 100, 10 * minute],
  // Product time is the database's clock: how often it is read, and how far this process's clock may differ before jobs are paused.
  clockRefreshIntervalMs: [10 * second, 100, 5 * minute],
  clockDifferenceMaximumMs: [30 * second, second, hour],

  // Redis
  redisCommandTimeoutMs: [500, 10, 30 * second],
  // How long Redis is not used after a command timed out: each process counts rates, and the database is queried instead.
  redisRetryAfterMs: [2 * second, 10, 5 * minute],

  // Orders, holds, idempotency
  // By its own clock, which may differ slightly from ours, Stripe accepts 30 minutes to 24 hours:
  // https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-expires_at
  checkoutSessionLifetimeMs: [hour, 31 * minute, day - minute],
  holdLifetimeMs: [7 * day, second, 30 * day],
  idempotencyRetentionMs: [2 * day, 2 * day, 365 * day],

  // Stripe
  stripeAttemptsCount: [3, 1, 10],
  stripeTimeoutMs: [10 * second, 100, 50 * second],
  stripeEventAttemptsCount: [12, 1, 100],
  stripeEventBackoffMs: [second, 10, hour],
  stripeEventBackoffMaximumMs: [hour, second, day],
  stripeEventQueueCount: [1_000, 1, 100_000],
  reconcileOverlapMs: [2 * hour, 0, 30 * day],
  // Stripe keeps events for 30 days: https://docs.stripe.com/api/events
  reconcileLookBackMs: [30 * day, minute, 30 * day],

  // Jobs
  jobLockLifetimeMs: [30 * second, second, hour],
  jobBatchCount: [500, 1, 100_000],
  jobConcurrencyCount: [4, 1, 100],
  expireGrantsIntervalMs: [second, 100, hour],
  processStripeEventsIntervalMs: [5 * second, 100, hour],
  resumeRefundsIntervalMs: [15 * second, 100, hour],
  releaseStaleHoldsIntervalMs: [minute, 100, day],
  closeOrdersIntervalMs: [minute, 100, day],
  synchroniseCatalogueIntervalMs: [minute, 100, day],
  sweepIntervalMs: [hour, 100, day],
  // How long the nightly verification may take, and in how many nights it verifies each viewer at least once.
  verifyLedgerBudgetMs: [10 * minute, 100, 12 * hour],
  verifyLedgerCycleNights: [7, 1, 365],

  // Ledger roots: how long LEDGER_ROOT_COMMAND may take, and of how many roots the heads are kept.
  ledgerRootCommandTimeoutMs: [30 * second, 100, 10 * minute],
  ledgerRootHeadsCount: [2, 1, 366],

  // Process
  shutdownBudgetMs: [5 * second, 100, 10 * minute],
} as const satisfies Record<string, Bounds>;

/** A film id in JSON: 36 characters, two quotation marks and a comma. */
const FILM_ID_BYTES = 39;
/** For the rest of a request, besides film ids. */
const REQUEST_REST_BYTES = 64 * kibibyte;
/** A payout looks for its refund at Stripe and creates it, which must finish within its lease of two minutes. */
const MAX_STRIPE_CALL_MS = 50 * second;

export type Limits = { readonly [Name in keyof typeof table]: number };

/** The environment variable that sets a limit. */
export function limitVariable(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

/** Reads all limits; faults are recorded in the environment. */
export function readLimits(environment: Environment): Limits {
  const entries = Object.entries(table).map(([name, [fallback, minimum, maximum]]) => [
    name,
    environment.read(limitVariable(name), wholeNumber(minimum, maximum), fallback),
  ]);
  const limits = Object.fromEntries(entries) as Limits;
  if (limits.topUpMinimumMinorUnits > limits.topUpMaximumMinorUnits) {
    environment.refuse(
      'TOP_UP_MINIMUM_MINOR_UNITS',
      `is ${limits.topUpMinimumMinorUnits}, more than TOP_UP_MAXIMUM_MINOR_UNITS (${limits.topUpMaximumMinorUnits})`,
      'Lower it or raise the maximum.',
    );
  }
  if (limits.topUpMinimumMinorUnits < limits.paymentMinimumMinorUnits) {
    environment.refuse(
      'TOP_UP_MINIMUM_MINOR_UNITS',
      `is ${limits.topUpMinimumMinorUnits}, less than the minimum charge (PAYMENT_MINIMUM_MINOR_UNITS, ${limits.paymentMinimumMinorUnits})`,
      'Raise it.',
    );
  }
  const neededBytes = limits.subscriptionFilmsMaximumCount * FILM_ID_BYTES + REQUEST_REST_BYTES;
  if (limits.requestBodyBytes < neededBytes) {
    environment.refuse(
      'REQUEST_BODY_BYTES',
      `is ${limits.requestBodyBytes}; SUBSCRIPTION_FILMS_MAXIMUM_COUNT (${limits.subscriptionFilmsMaximumCount}) film ids need ${neededBytes}`,
      'Raise it or lower the number of films.',
    );
  }
  const stripeCallMs = limits.stripeTimeoutMs * limits.stripeAttemptsCount;
  if (stripeCallMs > MAX_STRIPE_CALL_MS) {
    environment.refuse(
      'STRIPE_TIMEOUT_MS',
      `is ${limits.stripeTimeoutMs}, which makes ${stripeCallMs} with STRIPE_ATTEMPTS_COUNT (${limits.stripeAttemptsCount}); at most ${MAX_STRIPE_CALL_MS} is allowed`,
      'Lower one of them.',
    );
  }
  if (limits.socketCloseGraceMs > limits.shutdownBudgetMs / 2) {
    environment.refuse(
      'SOCKET_CLOSE_GRACE_MS',
      `is ${limits.socketCloseGraceMs}, more than half of SHUTDOWN_BUDGET_MS (${limits.shutdownBudgetMs}): an unresponsive client would use it up`,
      'Lower it or raise the budget.',
    );
  }
  return limits;
}
