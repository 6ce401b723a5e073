import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import { freePort } from '../support/free-port.js';
import { inheritedEnvironment } from '../support/inherited-environment.js';
import { testDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const VIEWER = '0190d3a0-0000-7000-8000-000000000001';

let home: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  home = mkdtempSync(path.join(os.tmpdir(), 'boxoffice start '));
  chmodSync(home, 0o755);
});

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const { pid } of processesOf(home)) process.kill(pid, 'SIGKILL');
  rmSync(home, { recursive: true, force: true });
});

/** All that names this directory on its command line: the database's processes. */
function processesOf(directory: string): { pid: number; line: string }[] {
  return execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(directory))
    .map((line) => ({ pid: Number.parseInt(line, 10), line }));
}

/** The server as it is shipped, with an environment of its own. */
async function launch(environment: Record<string, string> = {}, script = 'main.js', ...words: string[]) {
  const ports = { PORT: String(await freePort()), SANDBOX_PORT: String(await freePort()) };
  const child = spawn(process.execPath, [path.resolve('dist/src', script), ...words], {
    cwd: home,
    env: { ...inheritedEnvironment(), DATA_DIR: path.join(home, 'data'), ...ports, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  const output = { out: '', err: '' };
  child.stdout.on('data', (text) => {
    output.out += text;
  });
  child.stderr.on('data', (text) => {
    output.err += text;
  });
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...output }));
  return { child, output, ended, url: `http://127.0.0.1:${environment.PORT ?? ports.PORT}` };
}

describe('a start that fails', () => {
  test('reports every wrong setting, one line each, and exits with 1', async () => {
    const { ended } = await launch({ PORT: 'x', CURRENCY: 'x', LOG_LEVEL: 'loud' });
    const { code, out, err } = await ended;
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(
      err
        .trim()
        .split('\n')
        .map((line) => line.split(':')[0]),
    ).toEqual(['PORT', 'CURRENCY', 'LOG_LEVEL']);
  });

  test('reports both ports that are in use before it creates anything', async () => {
    const taken = net.createServer().listen(0, '127.0.0.1');
    const takenToo = net.createServer().listen(0, '127.0.0.1');
    await Promise.all([once(taken, 'listening'), once(takenToo, 'listening')]);
    const [port, sandboxPort] = [taken, takenToo].map((server) => String((server.address() as net.AddressInfo).port));
    const { ended } = await launch({ PORT: port as string, SANDBOX_PORT: sandboxPort as string });
    const { code, err } = await ended;
    taken.close();
    takenToo.close();
    expect(code).toBe(1);
    expect(err.trim().split('\n')).toEqual([
      `PORT: ${port} is in use on 127.0.0.1 by another process. Stop it, or set PORT to a free port.`,
      `SANDBOX_PORT: ${sandboxPort} is in use on 127.0.0.1 by another process. Stop it, or set SANDBOX_PORT to a free port.`,
    ]);
    expect(processesOf(home)).toEqual([]);
  });

  test('says in a line that the database is out of reach, without its password', async () => {
    const port = await freePort();
    const { ended } = await launch({ DATABASE_URL: `postgres://someone:hunter2@127.0.0.1:${port}/shop` });
    const { code, err } = await ended;
    expect(code).toBe(1);
    expect(err).toMatch(
      new RegExp(`^DATABASE_URL: 127\\.0\\.0\\.1:${port} cannot be used \\(.*\\)\\. Start that server, or correct the URL\\.\n$`),
    );
    expect(err).not.toContain('hunter2');
  });

  test('says in a line that MongoDB is out of reach', async () => {
    const mongodb = `127.0.0.1:${await freePort()}`;
    const { ended } = await launch({
      MONGODB_URL: `mongodb://someone:hunter2@${mongodb}/shop`,
      DATABASE_CONNECT_TIMEOUT_MS: '200',
    });
    const { code, err } = await ended;
    expect({ code, lines: err.trim().split('\n').length }).toEqual({ code: 1, lines: 1 });
    expect(err).toMatch(new RegExp(`^MONGODB_URL: ${mongodb} cannot be used`));
    expect(err).not.toContain('hunter2');
  });

  test('says in a line that a worker needs a database of its own', async () => {
    const { ended } = await launch({}, 'worker.js');
    const { code, err } = await ended;
    expect({ code, lines: err.trim().split('\n').length }).toEqual({ code: 1, lines: 1 });
    expect(err).toMatch(/^DATABASE_URL: is not set\./);
  });
});

describe('a server', () => {
  test('is ready with URLs, tokens and a request that works, refuses a second one, and ends at a signal', async () => {
    const { child, output, ended, url } = await launch();
    await until(() => output.out.includes('curl') || child.exitCode !== null, 'its words', 60_000);
    expect(output.err).toBe('');
    const ready = await fetch(`${url}/readyz`);
    const latencyMs = expect.any(Number);
    expect([ready.status, await ready.json()]).toEqual([
      200,
      {
        status: 'ready',
        dependencies: {
          database: { ready: true, latencyMs },
          clock: { ready: true, state: 'IN_STEP', latencyMs },
          jobs: { ready: true, state: 'CONNECTED', latencyMs },
        },
      },
    ]);
    const curl = /curl -s (\S+) -H 'content-type: application\/json' -H 'authorization: (\S+ \S+)' -d '(.*)'/.exec(output.out);
    const [, place, authorization, body] = curl as unknown as [string, string, string, string];
    const headers = { 'content-type': 'application/json', authorization };
    const answer = (await (await fetch(place, { method: 'POST', headers, body })).json()) as { data?: unknown; errors?: unknown };
    expect(answer.errors).toBeUndefined();

    const second = await (await launch()).ended;
    expect({ code: second.code, err: second.err }).toEqual({
      code: 1,
      err: `DATA_DIR ${home}/data is in use by another running Boxoffice. Stop it, or set another DATA_DIR.\n`,
    });

    const token = (await (await launch({}, 'cli/token.js', '--user', VIEWER, '--role', 'service', '--expires-in', '5m')).ended)
      .out;
    const own = { ...headers, authorization: `Bearer ${token.trim().split('\n').at(-1)}` };
    const access = `{"query":"{ access(filmIds: [\\"${VIEWER}\\"], userId: \\"${VIEWER}\\") { reason } }"}`;
    expect(await (await fetch(place, { method: 'POST', headers: own, body: access })).json()).toEqual({
      data: { access: [{ reason: 'UNKNOWN_FILM' }] },
    });

    // As a terminal and npm do: twice at the same moment.
    child.kill('SIGINT');
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ code: 0, err: '' });
    expect(processesOf(home)).toEqual([]);
  });

  test('shows the address of the demo only where it is served: not with JWKS_URL', async () => {
    const database = await testDatabase();
    try {
      const jwks = `http://127.0.0.1:${await freePort()}/keys`;
      const { child, output, url } = await launch({ JWKS_URL: jwks, DATABASE_URL: database.url });
      await until(() => output.out.includes('Sandbox') || child.exitCode !== null, 'its words', 60_000);
      expect(output.out).toContain('/playground');
      expect(output.out).not.toContain('/demo');
      expect((await fetch(`${url}/demo`)).status).toBe(404);
    } finally {
      await database.drop();
    }
  });

  test('that is stopped while it is still starting leaves nothing running', async () => {
    const { child, ended } = await launch();
    await until(() => processesOf(home).some(({ line }) => line.includes('bin/postgres')), 'Postgres', 60_000);
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 0 });
    expect(processesOf(home)).toEqual([]);
  });
});

describe('npm run token', () => {
  test('prints a token of the role and the lifetime that were asked for', async () => {
    const { code, out } = await (await launch({}, 'cli/token.js', '--user', VIEWER, '--role', 'admin', '--expires-in', '2h'))
      .ended;
    expect(code).toBe(0);
    const claims = decodeJwt(out.trim().split('\n').at(-1) as string);
    expect(claims).toMatchObject({ sub: VIEWER, role: 'admin', iss: 'boxoffice', aud: 'boxoffice' });
    expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(7_200);
    expect(readFileSync(path.join(home, 'data/jwt-secret'), 'utf8').length).toBeGreaterThan(32);
  });

  test.each([
    ['--user must be a UUID.', ['--user', 'ada', '--role', 'viewer']],
    ['--role must be viewer, service, support or admin.', ['--user', VIEWER, '--role', 'king']],
    [
      '--expires-in must be a duration such as 90s, 15m, 1h or 7d.',
      ['--user', VIEWER, '--role', 'viewer', '--expires-in', 'soon'],
    ],
  ])('refuses: %s', async (message, words) => {
    const { code, err } = await (await launch({}, 'cli/token.js', ...words)).ended;
    expect(code).toBe(1);
    expect(err).toBe(`${message}\nUsage: npm run token -- --user <uuid> --role viewer|service|support|admin [--expires-in 1h]\n`);
  });

  test('reports a wrong setting without blaming the arguments', async () => {
    const { code, err } = await (
      await launch({ CURRENCY: 'x', LOG_LEVEL: 'loud' }, 'cli/token.js', '--user', VIEWER, '--role', 'admin')
    ).ended;
    expect(code).toBe(1);
    expect(err.trimEnd().split('\n')).toEqual([expect.stringMatching(/^CURRENCY/), expect.stringMatching(/^LOG_LEVEL/)]);
  });
});

describe.each(['reconcile', 'verify-ledger'])('npm run %s', (name) => {
  test('reports every wrong setting on a line of its own, and exits with 2', async () => {
    const { code, out, err } = await (await launch({ CURRENCY: 'x', LOG_LEVEL: 'loud' }, `cli/${name}.js`)).ended;
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err.trimEnd().split('\n')).toEqual([expect.stringMatching(/^CURRENCY/), expect.stringMatching(/^LOG_LEVEL/)]);
  });
});

describe('npm run verify-ledger', () => {
  test.each([
    ['--user must be a UUID.', ['--user', 'me']],
    ['--jobs must be a whole number from 1 to 64.', ['--jobs', '65']],
  ])('refuses: %s', async (message, words) => {
    const { code, err } = await (await launch({}, 'cli/verify-ledger.js', ...words)).ended;
    expect({ code, err }).toEqual({
      code: 2,
      err: `${message}\nUsage: npm run verify-ledger -- [--user <uuid>] [--jobs 4] [--root <file> [--public-key <key>]]\n`,
    });
  });
});

describe('npm run demo:reset', () => {
  test('throws the data away and keeps the secrets; not from under a running server', async () => {
    const { child, output, ended } = await launch();
    await until(() => output.out.includes('curl') || child.exitCode !== null, 'its words', 60_000);
    const secret = readFileSync(path.join(home, 'data/jwt-secret'), 'utf8');
    const refused = await (await launch({}, 'cli/demo-reset.js')).ended;
    expect(refused).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^DATA_DIR .* is in use by another running Boxoffice\./),
    });
    child.kill('SIGTERM');
    await ended;
    expect(await (await launch({}, 'cli/demo-reset.js')).ended).toMatchObject({ code: 0, err: '' });
    expect(readdirSync(path.join(home, 'data')).sort()).toEqual(['jwt-secret', 'postgres-password', 'stripe-webhook-secret']);
    expect(readFileSync(path.join(home, 'data/jwt-secret'), 'utf8')).toBe(secret);
  });
});

describe('npm run migrate', () => {
  test('migrates the embedded database, and again does nothing', async () => {
    expect((await (await launch({}, 'cli/migrate.js')).ended).out).toMatch(/^Migrated: Migration\d+/m);
    expect((await (await launch({}, 'cli/migrate.js')).ended).out).toBe('Nothing to migrate.\n');
    expect(processesOf(home)).toEqual([]);
  });
});
