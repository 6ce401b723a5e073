import { fileURLToPath } from 'node:url';
import { JWT_SECRET } from '../subjects.js';
import { WEBHOOK_SECRET } from '../webhook.js';
import { graphqlRequest } from './shared/graphql.js';

const MAIN = fileURLToPath(new URL('../../../dist/src/main.js', import.meta.url));
const MORE_THAN_ENOUGH = '10000000';

/**
 * The product as an operator runs it: NODE_ENV=production, its guard, metrics and rate limits at work (the limits so high that they
 * refuse nothing). Like the others it writes no line for each request. Jobs run elsewhere, as they would beside a loaded gateway.
 */
export const ours = {
  title: 'Boxoffice',
  scenarios: ['access', 'access100', 'page', 'purchase', 'hotwallet', 'webhook'],
  ready: '/readyz',
  command: [MAIN],
  environment: ({ port, databaseUrl, directory }) => ({
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    PORT: String(port),
    DATABASE_URL: databaseUrl,
    DATA_DIR: directory,
    PUBLIC_URL: 'https://boxoffice.example.com',
    ALLOWED_ORIGINS: 'https://example.com',
    JWT_SECRET,
    STRIPE_SECRET_KEY: 'sk_test_benchmark',
    STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
    METRICS_TOKEN: 'a token of the benchmark',
    RUN_JOBS: 'false',
    // No load balancer in front of it needs time to notice that it is stopping.
    DRAIN_NOTICE_MS: '0',
    LOG_LEVEL: 'warn',
    RATE_LIMIT_READS_COUNT: MORE_THAN_ENOUGH,
    RATE_LIMIT_WRITES_COUNT: MORE_THAN_ENOUGH,
    RATE_LIMIT_MONEY_COUNT: MORE_THAN_ENOUGH,
    RATE_LIMIT_ADDRESS_COUNT: MORE_THAN_ENOUGH,
  }),
  request: (name, scenario, subject) =>
    name === 'webhook' ? { method: 'POST', path: '/webhooks/stripe', body: scenario.body() } : graphqlRequest(scenario, subject),
};
