import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { freePort } from '../support/free-port.js';
import { GatewayProcess } from '../support/gateway-process.js';
import { inheritedEnvironment } from '../support/inherited-environment.js';
import { RawConnection } from '../support/raw-connection.js';
import { Relay } from '../support/relay.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

let home: TestDatabase;
let directory: string;
beforeAll(async () => {
  home = await testDatabase();
  directory = mkdtempSync(path.join(os.tmpdir(), 'boxoffice-worker-'));
});
afterAll(async () => {
  await home.drop();
  rmSync(directory, { recursive: true });
});

/** What a failing start writes to standard error. */
async function failing(script: string, environment: Record<string, string>): Promise<string> {
  const port = String(await freePort());
  const child: ChildProcess = spawn(process.execPath, [path.resolve('dist/src', script)], {
    env: {
      ...inheritedEnvironment(),
      DATA_DIR: directory,
      PORT: port,
      DEMO: 'false',
      STRIPE_SECRET_KEY: 'sk_test_nobody',
      ...environment,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let written = '';
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    written += text;
  });
  const [code] = await once(child, 'close');
  expect(code).toBe(1);
  return written;
}
const common = { STRIPE_WEBHOOK_SECRET: 'whsec_nobody', STRIPE_API_URL: 'http://127.0.0.1:9' };

describe('a worker', () => {
  test('says in a line that its port is in use', async () => {
    const taken = net.createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as net.AddressInfo;
    const stderr = await failing('worker.js', { ...common, DATABASE_URL: home.url, PORT: String(port) });
    taken.close();
    expect(stderr).toBe(`PORT: ${port} is in use on 127.0.0.1 by another process. Stop it, or set PORT to a free port.\n`);
  });

  test('logs why it is not ready', async () => {
    const url = new URL(home.url);
    const relay = new Relay(Number(url.port));
    url.port = String(await relay.start());
    const worker = await GatewayProcess.on({ DATABASE_URL: url.href, LOG_LEVEL: 'warn' }, 'worker.js');
    try {
      await worker.start();
      await until(() => worker.written.includes('The worker is running jobs.'), 'all is started');
      await relay.stop();
      await until(async () => (await worker.readiness())?.status === 'not ready', 'not ready');
      await until(() => worker.written.includes('dependency unavailable'), 'logged');
    } finally {
      await worker.close();
    }
  }, 60_000);
});

describe("A worker's health server", () => {
  const limits = { REQUEST_TIMEOUT_MS: '1000', PIPELINED_REQUESTS_COUNT: '2', HTTP_CONNECTIONS_MAXIMUM_COUNT: '10' };
  let worker: GatewayProcess;
  beforeAll(async () => {
    worker = await GatewayProcess.on({ DATABASE_URL: home.url, ...limits }, 'worker.js');
    await worker.start();
  }, 60_000);
  afterAll(() => worker.close());

  test('refuses more pipelined requests than a gateway takes', async () => {
    const connection = await RawConnection.to(worker.url);
    const head = 'GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n';
    connection.socket.write(head.repeat(20));
    await connection.closing();
    expect(connection.received).toContain('HTTP/1.1 429 ');
    expect(connection.received.match(/HTTP\/1\.1 200 /g)).toHaveLength(2);
  });

  test('cuts off a request that does not come in whole', async () => {
    const connection = await RawConnection.to(worker.url);
    connection.socket.write('GET /readyz HTTP/1.1\r\nHost: localhost\r\nX-Slow: 1\r\n');
    expect(await connection.status()).toBe(408);
  });

  test('takes so many connections and no more', async () => {
    const opened: RawConnection[] = [];
    for (let count = 0; count < 15; count++) opened.push(await RawConnection.to(worker.url));
    await until(() => opened.filter(({ closed }) => closed).length >= 5, 'the last ones are closed');
    // Those that asked for its readiness may be kept open, so not all of the first ten need to be among them.
    expect(opened.filter(({ closed }) => !closed).length).toBeGreaterThan(0);
    for (const { socket } of opened) socket.destroy();
  });
});

describe('a start', () => {
  test.each(['main.js', 'worker.js'])('of %s does not blame DATABASE_URL for a migration that fails', async (script) => {
    const database = await testDatabase();
    try {
      // As if no migration had run: the first one finds its tables there.
      await database.rows('delete from mikro_orm_migrations');
      const stderr = await failing(script, { ...common, DATABASE_URL: database.url });
      expect(stderr).toMatch(/^Startup failed: .*already exists/);
      expect(stderr).not.toContain('DATABASE_URL');
    } finally {
      await database.drop();
    }
  });

  test('reports in one line that the user of DATABASE_URL is denied access', async () => {
    const url = new URL(home.url);
    url.username = 'a_stranger';
    expect(await failing('worker.js', { ...common, DATABASE_URL: url.href })).toMatch(/^DATABASE_URL: .*a_stranger.*\n$/);
  });

  test.each([
    ['is missing', null, 'cannot be read (ENOENT)'],
    ['is no JSON', '{', 'is not a manifest of persisted operations'],
    ['is another JSON', '[1]', 'is not a manifest of persisted operations'],
  ])('reports in one line that the manifest %s', async (_what, content, wrong = '') => {
    const file = path.join(directory, 'manifest.json');
    rmSync(file, { force: true });
    if (content !== null) writeFileSync(file, content);
    const settings = { PERSISTED_OPERATIONS: 'only', PERSISTED_OPERATIONS_FILE: file, RUN_JOBS: 'false' };
    expect(await failing('main.js', { ...common, ...settings, DATABASE_URL: home.url })).toBe(
      `PERSISTED_OPERATIONS_FILE: ${file} ${wrong}. Set the path of the manifest.\n`,
    );
  });
});
