import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { configVariables, readConfig } from '../../src/config/config.js';
import { ledgerRootKey } from '../../src/config/ledger-roots.js';
import { limitVariable } from '../../src/config/limits.js';
import { StartupError } from '../../src/runtime/startup-error.js';

let home: string;

beforeEach(() => {
  home = mkdtempSync(path.join(os.tmpdir(), 'boxoffice-config-'));
});

afterEach(() => {
  rmSync(home, { recursive: true, force: true });
});

function faultsOf(source: Record<string, string>): string[] {
  try {
    readConfig({ DATA_DIR: home, ...source });
  } catch (error) {
    if (error instanceof StartupError) return error.message.split('\n');
    throw error;
  }
  return [];
}

/** What a server in earnest needs at the least. */
const production = {
  NODE_ENV: 'production',
  DATABASE_URL: 'postgres://boxoffice@database/boxoffice',
  STRIPE_SECRET_KEY: 'sk_live_abc',
  STRIPE_WEBHOOK_SECRET: 'whsec_abc',
  JWT_SECRET: 'a secret that is long enough for HS256',
  ALLOWED_ORIGINS: 'https://films.example',
  PUBLIC_URL: 'https://api.films.example',
};

describe('in development', () => {
  test('nothing needs to be set', () => {
    const config = readConfig({ DATA_DIR: home });
    expect(config.http).toMatchObject({ host: '127.0.0.1', port: 4000, publicUrl: 'http://localhost:4000' });
    expect(config.stripe).toMatchObject({ sandboxPort: 4010, apiUrl: 'http://127.0.0.1:4010' });
    expect(config.databaseUrl).toBeUndefined();
    expect(config.limits.accessFilmsMaximumCount).toBe(500);
  });

  test('generated secrets stay the same across restarts and only their owner can read them', () => {
    const first = readConfig({ DATA_DIR: home });
    const second = readConfig({ DATA_DIR: home });
    expect(second.identity.secrets).toEqual(first.identity.secrets);
    expect(second.stripe.webhookSecrets).toEqual(first.stripe.webhookSecrets);
    expect(first.identity.secrets[0]?.length).toBeGreaterThanOrEqual(32);
    expect(statSync(path.join(home, 'jwt-secret')).mode & 0o777).toBe(0o600);
  });

  test('with a key of Stripe there is no sandbox, and the webhook secret must be set', () => {
    expect(faultsOf({ STRIPE_SECRET_KEY: 'sk_test_abc' })).toEqual([expect.stringMatching(/^STRIPE_WEBHOOK_SECRET: is not set/)]);
    const { stripe } = readConfig({ DATA_DIR: home, STRIPE_SECRET_KEY: 'sk_test_abc', STRIPE_WEBHOOK_SECRET: 'whsec_a,whsec_b' });
    expect(stripe).toMatchObject({
      sandboxPort: undefined,
      apiUrl: 'https://api.stripe.com',
      webhookSecrets: ['whsec_a', 'whsec_b'],
    });
  });

  test('an empty variable counts as unset', () => {
    expect(readConfig({ DATA_DIR: home, PORT: '', STRIPE_SECRET_KEY: '' }).http.port).toBe(4000);
  });
});

describe('NODE_ENV', () => {
  test('is development when it is unset; test is not production either', () => {
    expect(readConfig({ DATA_DIR: home }).production).toBe(false);
    expect(readConfig({ DATA_DIR: home, NODE_ENV: 'development' }).production).toBe(false);
    expect(readConfig({ DATA_DIR: home, NODE_ENV: 'test' }).production).toBe(false);
    expect(readConfig({ ...production, NODE_ENV: 'production' }).production).toBe(true);
  });

  test('is refused in any other spelling: a server meant for production must never start as a development server', () => {
    for (const found of [
      'Production',
      'PRODUCTION',
      'prod',
      'staging',
      ' production',
      'production ',
      'production\r',
      '',
      ' ',
      'prodüction',
    ]) {
      expect(faultsOf({ ...production, NODE_ENV: found, DEMO: 'false' })).toEqual([
        `NODE_ENV: must be development, test, production, in lower case, found ${JSON.stringify(found)}. Correct it or remove it.`,
      ]);
    }
  });
});

describe('faults', () => {
  test('cover the names of ALLOWED_HOSTS, which have no scheme and no path', () => {
    for (const found of ['http://films.test', 'films.test/path', 'user@films.test']) {
      expect(faultsOf({ ALLOWED_HOSTS: found })).toEqual([expect.stringMatching(/^ALLOWED_HOSTS: must be host names/)]);
    }
    const { allowedHosts } = readConfig({ DATA_DIR: home, ALLOWED_HOSTS: 'Films.test,[::2]', HOST: '::1' }).http;
    expect(allowedHosts).toEqual(['[::1]', 'localhost', 'films.test', '[::2]']);
  });

  test('a top-up that no card can pay, and a body too small for the films of a subscription, are reported at startup', () => {
    expect(faultsOf({ TOP_UP_MINIMUM_MINOR_UNITS: '49' })).toEqual([
      expect.stringMatching(/^TOP_UP_MINIMUM_MINOR_UNITS: is 49, less than the minimum charge/),
    ]);
    expect(faultsOf({ TOP_UP_MINIMUM_MINOR_UNITS: '49', PAYMENT_MINIMUM_MINOR_UNITS: '30' })).toEqual([]);
    expect(faultsOf({ REQUEST_BODY_BYTES: '131072' })).toEqual([expect.stringMatching(/^REQUEST_BODY_BYTES: is 131072/)]);
  });

  test('are all reported at once, one line each, with the variable, what is wrong and what to do', () => {
    const faults = faultsOf({
      PORT: 'abc',
      CURRENCY: 'dollar',
      REDIS_URL: 'localhost',
      PAGE_MAXIMUM_COUNT: '0',
      RUN_JOBS: 'perhaps',
    });
    expect(faults).toEqual([
      'PORT: must be a whole number from 1 to 65535, found "abc". Correct it or remove it.',
      'REDIS_URL: must be a URL that starts with redis:// or rediss://. Correct it or remove it.',
      'CURRENCY: must be an ISO 4217 currency code in upper case, such as EUR, found "dollar". Correct it or remove it.',
      'RUN_JOBS: must be true or false, found "perhaps". Correct it or remove it.',
      'PAGE_MAXIMUM_COUNT: must be a whole number from 1 to 1000, found "0". Correct it or remove it.',
    ]);
  });

  test('keep a checkout a minute inside what Stripe takes, whose clock may differ', () => {
    const MINUTE_MS = 60_000;
    for (const minutes of [30, 24 * 60]) {
      const faults = faultsOf({ CHECKOUT_SESSION_LIFETIME_MS: String(minutes * MINUTE_MS) });
      expect(faults).toEqual([expect.stringMatching(/^CHECKOUT_SESSION_LIFETIME_MS: must be a whole number from/)]);
    }
    for (const minutes of [31, 24 * 60 - 1]) {
      const source = { DATA_DIR: home, CHECKOUT_SESSION_LIFETIME_MS: String(minutes * MINUTE_MS) };
      expect(readConfig(source).limits.checkoutSessionLifetimeMs).toBe(minutes * MINUTE_MS);
    }
  });

  test('cover cron lines, which are checked at start', () => {
    expect(readConfig({ DATA_DIR: home, RECONCILE_CRON: '30  4 * * 1-5' }).jobHours.reconcileCron).toBe('30 4 * * 1-5');
    for (const line of ['at night', '15 3 * *', '0 15 3 * * *', '61 3 * * *', '0 0 31 2 *', '@daily']) {
      expect(faultsOf({ VERIFY_LEDGER_CRON: line })).toEqual([
        `VERIFY_LEDGER_CRON: must be a cron expression of five fields, in UTC, such as 15 3 * * *, found "${line}". Correct it or remove it.`,
      ]);
    }
  });

  test('cover the URL of MongoDB, which may list hosts and must name a database', () => {
    for (const url of [
      'mongodb://a:27017,b:27017/boxoffice?replicaSet=rs',
      'mongodb+srv://user:word@cluster.example/boxoffice',
    ]) {
      expect(readConfig({ DATA_DIR: home, MONGODB_URL: url }).mongodbUrl).toBe(url);
    }
    for (const url of ['mongodb://a:27017', 'mongodb://a/', 'postgres://a/b']) {
      expect(faultsOf({ MONGODB_URL: url })).toEqual([expect.stringMatching(/^MONGODB_URL: must be mongodb:/)]);
    }
  });

  test('include a % that no driver could read', () => {
    const urls = { DATABASE_URL: 'postgres://app:100%@db/shop', MONGODB_URL: 'mongodb://app:100%@a/shop' };
    expect(faultsOf(urls)).toEqual([
      expect.stringMatching(/^DATABASE_URL: must be a URL in which a literal % is written as %25/),
      expect.stringMatching(/^MONGODB_URL: must be a URL in which a literal % is written as %25/),
    ]);
    expect(readConfig({ DATA_DIR: home, DATABASE_URL: 'postgres://app:100%25@db/shop' }).databaseUrl).toContain('100%25');
  });

  test('never show a secret', () => {
    const source = {
      JWT_SECRET: 'short-one',
      STRIPE_SECRET_KEY: 'hunter2',
      DATABASE_URL: 'mysql://root:hunter2@db',
      METRICS_TOKEN: 'hunter2',
    };
    const text = faultsOf(source).join('\n');
    expect(text).toMatch(/JWT_SECRET: must be at least 32/);
    expect(text).not.toMatch(/hunter2|short-one/);
  });

  test('cover each of several secrets, and the claims of tokens', () => {
    const long = 'x'.repeat(32);
    for (const secrets of [`${long},short-one`, 'short-one,', ',', Array(11).fill(long).join(',')]) {
      expect(faultsOf({ JWT_SECRET: secrets })).toEqual([expect.stringMatching(/^JWT_SECRET: must be/)]);
    }
    const { identity } = readConfig({ DATA_DIR: home, JWT_SECRET: ` ${long} , ${long}2,` });
    expect(identity.secrets).toEqual([long, `${long}2`]);
    expect(faultsOf({ JWT_SUBJECT: 'any' })).toEqual([
      expect.stringMatching(/^JWT_SUBJECT_NAMESPACE: is not set, though JWT_SUBJECT=any\. Set a UUID/),
    ]);
    for (const namespace of ['https://id.example', '6ba7b810-9dad-11d1-80b4']) {
      const faults = faultsOf({ JWT_SUBJECT: 'any', JWT_SUBJECT_NAMESPACE: namespace });
      expect(faults).toEqual([expect.stringMatching(/^JWT_SUBJECT_NAMESPACE: must be a UUID/)]);
    }
    for (const map of ['admin', 'a=owner', '=admin', 'a=admin,a=viewer', 'a=constructor']) {
      expect(faultsOf({ JWT_ROLE_MAP: map })).toEqual([expect.stringMatching(/^JWT_ROLE_MAP: must be/)]);
    }
    const { roleMap } = readConfig({ DATA_DIR: home, JWT_ROLE_MAP: 'Box Office = admin, a=b=support' }).identity;
    expect([...roleMap]).toEqual([
      ['Box Office', 'admin'],
      ['a=b', 'support'],
    ]);
  });

  test('cover settings that contradict each other', () => {
    expect(faultsOf({ TOP_UP_MINIMUM_MINOR_UNITS: '900', TOP_UP_MAXIMUM_MINOR_UNITS: '800' })).toEqual([
      'TOP_UP_MINIMUM_MINOR_UNITS: is 900, more than TOP_UP_MAXIMUM_MINOR_UNITS (800). Lower it or raise the maximum.',
    ]);
    expect(faultsOf({ STRIPE_TIMEOUT_MS: '20000' })).toEqual([
      'STRIPE_TIMEOUT_MS: is 20000, which makes 60000 with STRIPE_ATTEMPTS_COUNT (3); at most 50000 is allowed. Lower one of them.',
    ]);
    expect(faultsOf({ STRIPE_TIMEOUT_MS: '20000', STRIPE_ATTEMPTS_COUNT: '2' })).toEqual([]);
    expect(faultsOf({ PORT: '5000', SANDBOX_PORT: '5000' })).toEqual([
      expect.stringMatching(/^SANDBOX_PORT: is 5000, the same as PORT/),
    ]);
    expect(faultsOf({ SHUTDOWN_BUDGET_MS: '3000' })).toEqual([
      expect.stringMatching(/^SOCKET_CLOSE_GRACE_MS: is 2000, more than half of SHUTDOWN_BUDGET_MS/),
    ]);
    expect(faultsOf({ SHUTDOWN_BUDGET_MS: '3000', SOCKET_CLOSE_GRACE_MS: '1500' })).toEqual([]);
    expect(faultsOf({ JWT_SECRET: production.JWT_SECRET, JWKS_URL: 'https://id.example/keys' })).toHaveLength(1);
    expect(faultsOf({ PERSISTED_OPERATIONS: 'only' })).toEqual([expect.stringMatching(/^PERSISTED_OPERATIONS_FILE: is not set/)]);
  });

  test('include a data directory that cannot be used, in one line', () => {
    const file = path.join(home, 'a-file');
    writeFileSync(file, '');
    expect(faultsOf({ DATA_DIR: file })).toEqual([
      expect.stringMatching(/^DATA_DIR: .*a-file is not readable and writable \(ENOTDIR\)/),
    ]);
  });
});

describe('in production', () => {
  test('a server with everything set is accepted, closed by default', () => {
    const config = readConfig(production);
    expect(config.guard).toMatchObject({ playground: 'off', introspection: false, persistedOperations: 'off' });
    expect(config).toMatchObject({ demo: false, http: { host: '0.0.0.0' }, stripe: { sandboxPort: undefined } });
  });

  test('each default that is only safe in development is refused', () => {
    const named = faultsOf({ NODE_ENV: 'production' }).map((line) => line.split(':')[0]);
    expect(named.sort()).toEqual(
      ['ALLOWED_ORIGINS', 'DATABASE_URL', 'JWT_SECRET', 'PUBLIC_URL', 'STRIPE_SECRET_KEY', 'STRIPE_WEBHOOK_SECRET'].sort(),
    );
  });

  test.each([
    ['PLAYGROUND', 'open'],
    ['DEMO', 'true'],
    ['ALLOWED_ORIGINS', 'https://films.example,http://films.example'],
    ['PUBLIC_URL', 'http://films.example'],
    ['STRIPE_API_URL', 'http://proxy.example'],
  ])('%s=%s is refused', (variable, value) => {
    expect(faultsOf({ ...production, [variable]: value })).toEqual([expect.stringMatching(new RegExp(`^${variable}: `))]);
  });
});

describe('The key of ledger roots', () => {
  const { privateKey } = generateKeyPairSync('ed25519');
  const pem = String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const base64 = privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64');
  const signed = (key: KeyObject | null) => key && sign(null, Buffer.from('a root'), key).toString('base64');
  const of = (source: Record<string, string>) => ledgerRootKey(readConfig({ DATA_DIR: home, ...source }));

  test('is the same as PEM and in base64', () => {
    for (const key of [pem, base64, ` ${pem}`]) expect(signed(of({ LEDGER_ROOT_PRIVATE_KEY: key }))).toBe(signed(privateKey));
  });

  test('is generated in development when it is first used, kept, and readable only by its owner', () => {
    const file = path.join(home, 'ledger-root-key');
    readConfig({ DATA_DIR: home });
    expect(existsSync(file)).toBe(false);
    const first = signed(of({}));
    expect(first).not.toBeNull();
    expect(signed(of({}))).toBe(first);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test('of another kind is refused at startup, without being shown', () => {
    const other = String(generateKeyPairSync('x25519').privateKey.export({ type: 'pkcs8', format: 'pem' }));
    for (const key of [other, 'hunter2', base64.slice(4)])
      expect(faultsOf({ LEDGER_ROOT_PRIVATE_KEY: key })).toEqual([
        'LEDGER_ROOT_PRIVATE_KEY: must be an Ed25519 private key (PKCS #8), as PEM or in base64. Correct it or remove it.',
      ]);
  });

  test('may be missing in production, where nothing is signed without it', () => {
    expect(of(production)).toBeNull();
    expect(readConfig({ DATA_DIR: home, ...production }).ledgerRoots.file).toBeUndefined();
  });

  test('needs a place to hand roots to in production, and only one', () => {
    const keyed = { ...production, LEDGER_ROOT_PRIVATE_KEY: base64 };
    expect(faultsOf(keyed)).toEqual([
      expect.stringMatching(/^LEDGER_ROOT_COMMAND: is not set, though LEDGER_ROOT_PRIVATE_KEY is/),
    ]);
    expect(faultsOf({ ...keyed, LEDGER_ROOT_COMMAND: 'cat' })).toEqual([]);
    expect(faultsOf({ ...keyed, LEDGER_ROOT_FILE: '/roots' })).toEqual([]);
    expect(faultsOf({ LEDGER_ROOT_COMMAND: 'cat', LEDGER_ROOT_FILE: '/roots' })).toEqual([
      expect.stringMatching(/^LEDGER_ROOT_FILE: is set, and so is LEDGER_ROOT_COMMAND/),
    ]);
    expect(readConfig({ DATA_DIR: home }).ledgerRoots.file).toBe(path.join(home, 'ledger-roots.jsonl'));
  });
});

describe('.env.example', () => {
  const lines = readFileSync('.env.example', 'utf8').split('\n');
  const pairs = lines.flatMap((line) => {
    const match = line.match(/^#? ?([A-Z][A-Z_]+)=(.*)$/);
    return match ? [[match[1] as string, match[2] as string] as const] : [];
  });

  test('documents each variable that is read, once, and no other', () => {
    // POSTGRES_PASSWORD is docker-compose.yml's own.
    expect(pairs.map(([name]) => name).sort()).toEqual([...configVariables(), 'POSTGRES_PASSWORD'].sort());
  });

  test('shows the limits as they are', () => {
    const { limits } = readConfig({ DATA_DIR: home });
    const shown = Object.fromEntries(pairs);
    for (const [name, value] of Object.entries(limits)) expect([name, shown[limitVariable(name)]]).toEqual([name, String(value)]);
  });
});
