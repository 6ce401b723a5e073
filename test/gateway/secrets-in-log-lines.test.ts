import { describe, expect, test } from '@jest/globals';
import { readConfig } from '../../src/config/config.js';
import { secretsOf } from '../../src/config/secrets.js';
import { createLogger } from '../../src/observability/logging.js';
import { createRedactor } from '../../src/runtime/redact.js';

const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl';

function logged(facts: object, message: string, redact = createRedactor()): string {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  // A child, as each request has one.
  createLogger({ logLevel: 'info' }, { redact, destination }).child({ requestId: 'r-1' }).info(facts, message);
  return lines.join('');
}

describe('a log line', () => {
  test.each([
    ['the password of a database URL', 'connect postgres://app:p4ss%2Fword@db:5432/boxoffice failed', 'p4ss'],
    ['the password of a Redis URL without a user', 'redis://:hunter2@redis:6379 is away', 'hunter2'],
    ['a secret key of Stripe', 'Invalid API Key provided: sk_live_51AbCdEfGh', '51AbCdEfGh'],
    ['a restricted key of Stripe', 'rk_test_51AbCdEfGh may not do that', '51AbCdEfGh'],
    ['a signing secret', 'no signature of whsec_AbCdEfGh', 'AbCdEfGh'],
    ['a client secret', 'pi_3Nx_secret_AbCdEf', 'AbCdEf'],
    ['a bearer token', 'sent authorization: Bearer abc.def-ghi=', 'abc.def'],
    ['a token alone', `jwt malformed: ${JWT}`, 'c2lnbmF0dXJl'],
  ])('has no trace of %s, in its message, in a text or in an error', (_what, text, secret) => {
    const line = logged({ reason: text, nested: { deeper: [text] }, err: new Error(text) }, text);
    expect(line).not.toContain(secret);
    expect(JSON.parse(line)).toMatchObject({ level: 'info', err: { type: 'Error' } });
    expect(line.match(/\[redacted]/g)?.length).toBeGreaterThanOrEqual(4);
  });

  test('has none of the secrets of the settings, whatever they look like', () => {
    const config = readConfig({
      DATABASE_URL: 'postgres://app:plain%20password@db/boxoffice',
      REDIS_URL: 'redis://:redis-password@redis',
      MONGODB_URL: 'mongodb://app:mongo-password@mongo:27017,mongo-2:27017/boxoffice',
      JWT_SECRET: 'a "quoted" secret that is long enough for all',
      STRIPE_SECRET_KEY: 'sk_test_1234',
      STRIPE_WEBHOOK_SECRET: 'whsec_one,whsec_two',
      METRICS_TOKEN: 'only for prometheus',
      LEDGER_ROOT_PRIVATE_KEY: 'MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector',
      OTEL_EXPORTER_OTLP_HEADERS: 'x-key=collector-key',
    });
    const secrets = secretsOf(config);
    expect(new Set(secrets).size).toBe(11);
    const line = logged({ secrets, said: secrets.join(' and ') }, 'a message', createRedactor(secrets));
    for (const secret of secrets) expect(line).not.toContain(JSON.stringify(secret).slice(1, -1));
    JSON.parse(line);
  });

  test.each([
    'authorization',
    'cookie',
    'token',
    'secret',
    'password',
    'secretKey',
    'webhookSecrets',
    'checkoutUrl',
    'connectionString',
    'settings.authorization',
    'settings.token',
    'settings.secret',
    'settings.password',
    'settings.secretKey',
    'settings.connectionString',
    'headers.authorization',
    'headers.cookie',
    'headers.stripe-signature',
    'req.headers.authorization',
    'req.headers.cookie',
  ])('has nothing of what is in the field %s', (field = '') => {
    const facts = field.split('.').reduceRight<unknown>((inner, name) => ({ [name]: inner }), 'correct horse');
    const line = logged({ ...(facts as object), other: 'battery' }, 'a message');
    expect(line).not.toContain('correct horse');
    expect(JSON.parse(line)).toMatchObject({ other: 'battery', msg: 'a message' });
  });

  test('is left as it is otherwise', () => {
    const text = 'GET https://films.example/graphql?a=b took 12 ms; ask mail@films.example, skill_test, keys';
    expect(JSON.parse(logged({ url: text }, text))).toMatchObject({ url: text, msg: text });
  });
});
