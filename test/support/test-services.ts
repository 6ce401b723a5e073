import type Stripe from 'stripe';
import { readConfig } from '../../src/config/config.js';
import type { Clock } from '../../src/runtime/clock.js';
import { composeServices, type ServiceDependencies, type Services } from '../../src/services/services.js';
import type { Database } from '../../src/stores/database.js';
import { LocalHints } from '../../src/stores/hints.js';
import { noOpenSessions } from '../../src/stores/open-sessions.js';
import { openStripe } from '../../src/stores/stripe.js';

export const WEBHOOK_SECRET = 'whsec_of_the_tests';

export interface TestServiceParts extends Partial<Omit<ServiceDependencies, 'config' | 'database' | 'clock'>> {
  readonly database: Database;
  readonly clock: Clock;
  /** Settings that differ from the defaults. */
  readonly environment?: Readonly<Record<string, string>>;
}

/**
 * The services as the product composes them. Without further parts, Stripe is out of reach, and an error that is logged fails the
 * test; what Stripe reports for an operator does not.
 */
export function testServices({ environment, ...parts }: TestServiceParts): Services {
  const config = readConfig({
    DATA_DIR: '/nowhere',
    JWT_SECRET: 'a secret that is only used in tests and long enough',
    STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
    ALLOWED_ORIGINS: 'https://films.test',
    ...environment,
  });
  return composeServices({
    config,
    hints: new LocalHints(),
    stripe: unreachableStripe(),
    openSessions: noOpenSessions,
    logger: {
      error: (details, message) => {
        if (!('problem' in details)) throw new Error(`${message} ${JSON.stringify(details)}`);
      },
    },
    ...parts,
  });
}

export const unreachableStripe = (): Stripe =>
  openStripe({ secretKey: 'sk_test_nobody', apiUrl: 'http://127.0.0.1:9', timeoutMs: 1_000, attemptsCount: 1 });
