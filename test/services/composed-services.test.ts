import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readConfig } from '../../src/config/config.js';
import { composeServices, type Services } from '../../src/services/services.js';
import { LocalHints } from '../../src/stores/hints.js';
import { noOpenSessions } from '../../src/stores/open-sessions.js';
import { openStripe } from '../../src/stores/stripe.js';
import { MovableClock } from '../support/movable-clock.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';

describe('the services of a node', () => {
  const logged: [details: object, message: string][] = [];
  let home: string;
  let db: TestDatabase;
  let services: Services;
  beforeAll(async () => {
    home = mkdtempSync(path.join(os.tmpdir(), 'boxoffice-services-'));
    db = await testDatabase();
    services = composeServices({
      config: readConfig({ DATA_DIR: home, DATABASE_URL: db.url }),
      database: db.database,
      hints: new LocalHints(),
      stripe: openStripe({ secretKey: 'sk_test_none', apiUrl: 'http://127.0.0.1:9', timeoutMs: 1_000, attemptsCount: 1 }),
      openSessions: noOpenSessions,
      clock: new MovableClock(),
      logger: { error: (details, message) => void logged.push([details, message]) },
    });
  });
  afterAll(async () => {
    await services.close();
    await db.drop();
    rmSync(home, { recursive: true, force: true });
  });

  test('report on the ledger without verifying it, so that admins may ask as often as they like', async () => {
    const before = await services.verification.report();
    expect(before).toMatchObject({ viewers: 0, oldestVerifiedAt: null, openDiscrepancies: 0, discrepancies: [] });
    await db.rows(
      "insert into balances (user_id, currency, created_at, updated_at) values (gen_random_uuid(), 'USD', '2026-01-01', '2026-01-01')",
    );
    expect(await services.verification.report()).toEqual(before);
    await services.verification.run();
    expect(await services.verification.report()).toMatchObject({
      viewers: 1,
      verified: 1,
      cycleComplete: true,
      discrepancies: [],
    });
  });

  test('name the payment whose waiting events could not be processed in the log', async () => {
    await db.rows('alter table stripe_events rename to stripe_events_away');
    services.stripeInbox.retryWaitingEvents('pi_of_the_test');
    await services.stripeInbox.idle();
    await db.rows('alter table stripe_events_away rename to stripe_events');
    expect(logged).toEqual([
      [
        { reason: expect.stringContaining('stripe_events'), eventOrPaymentId: 'pi_of_the_test' },
        'a Stripe event could not be processed',
      ],
    ]);
  });
});
