import './typescript.js';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

const { startEmbeddedPostgres } = await import('../../src/stores/embedded-postgres/embedded-postgres.ts');
const { migrate } = await import('../../src/stores/migrate.ts');

/** One Postgres for the whole run, with a migrated database that each test file clones, and one Redis when there is one. */
export default async function globalSetup() {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'boxoffice-test-'));
  chmodSync(directory, 0o755);
  const postgres = await startEmbeddedPostgres({ dataDirectory: directory, fast: true });
  await migrate(postgres.url);
  // Holds the owner's connection, which ends with this process; the guard then ends the servers, should this one be killed.
  process.env.TEST_TEMPLATE_URL = postgres.url;
  const redis = await startRedis(directory);
  const guard = guardServers(directory, redis);
  Object.assign(globalThis, {
    testServers: {
      stop: async () => {
        await postgres.stop();
        guard.stdin.end();
        await new Promise((resolve) => guard.once('exit', resolve));
      },
    },
  });
}

/** A Redis of this run's own, passed to the tests as TEST_REDIS_URL; REDIS_URL names another to use instead. */
async function startRedis(directory) {
  if (process.env.REDIS_URL) {
    process.env.TEST_REDIS_URL = process.env.REDIS_URL;
    return undefined;
  }
  if (spawnSync('redis-server', ['--version'], { stdio: 'ignore' }).status !== 0) {
    if (process.env.CI === 'true') throw new Error('CI=true, and there is no redis-server: install it, or set REDIS_URL.');
    process.stdout.write('Tests that need Redis are skipped: no redis-server on the path, and REDIS_URL is not set.\n');
    return undefined;
  }
  const port = await freePort();
  const settings = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', directory];
  const redis = spawn('redis-server', settings, { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  await new Promise((resolve, reject) => {
    redis.stdout.on('data', (text) => String(text).includes('Ready to accept connections') && resolve());
    redis.once('exit', (code) => reject(new Error(`redis-server ended with code ${code}`)));
  });
  redis.stdout.destroy();
  redis.removeAllListeners('exit');
  redis.unref();
  process.env.TEST_REDIS_URL = `redis://127.0.0.1:${port}`;
  return redis.pid;
}

/** A shell that waits for the end of this process, however it comes, and then ends the servers and clears up. */
function guardServers(directory, redisPid) {
  const script = [
    'read -r nothing',
    '[ -z "$2" ] || kill -9 "$2"',
    '[ ! -f "$1/postgres/postmaster.pid" ] || kill -QUIT "$(head -n 1 "$1/postgres/postmaster.pid")"',
    'rm -rf "$(dirname "$(readlink -f "$1/postgres")")" "$1"',
  ].join('\n');
  const guard = spawn('/bin/sh', ['-c', script, 'guard', directory, redisPid ? String(redisPid) : ''], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  guard.unref();
  guard.stdin.unref();
  return guard;
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
