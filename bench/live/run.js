// Live changes beside a bare `ws` server in the same run: memory of a socket, events for a second of the server's CPU, and the
// time from a commit to its arrival. npm run bench live -- [sockets …] [--soak=minutes] [--before=another checkout, built]
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import { startEmbeddedPostgres } from '../../dist/src/stores/embedded-postgres/embedded-postgres.js';
import { migrate } from '../../dist/src/stores/migrate.js';
import { Target } from './target.js';

const ROUNDS = 3;
const PACED_SECONDS = 6;
/** How much more memory the last minute of a soak may hold than the first. */
const MAX_GROWTH = 1.1;

const directory = mkdtempSync(path.join(os.tmpdir(), 'boxoffice-bench-live-'));
const numbers = process.argv.slice(2).filter((argument) => /^\d+$/.test(argument));
const soakMinutes = Number(process.argv.find((argument) => argument.startsWith('--soak='))?.slice(7) ?? 0);
const beforeCheckout = process.argv.find((argument) => argument.startsWith('--before='))?.slice(9);
const sizes = numbers.length > 0 || soakMinutes > 0 ? numbers.map(Number) : [1_000, 10_000];
const postgres = await startEmbeddedPostgres({ dataDirectory: directory, fast: true });
const redisPort = await freePort();
const redisUrl = `redis://127.0.0.1:${redisPort}`;
const redisServer = spawn('redis-server', ['--port', String(redisPort), '--bind', '127.0.0.1', '--save', ''], {
  stdio: 'ignore',
});
await migrate(postgres.url);
const database = new pg.Pool({ connectionString: postgres.url, max: 4 });
const redis = new Redis(redisUrl);
const stores = { database, redis, databaseUrl: postgres.url, redisUrl };

process.once('SIGINT', endEarly).once('SIGTERM', endEarly);
try {
  for (const count of sizes) {
    const viewers = Array.from({ length: count }, () => randomUUID());
    await database.query(
      `insert into balances (user_id, currency, created_at, updated_at) select unnest($1::uuid[]), 'EUR', now(), now()`,
      [viewers],
    );
    const results = {};
    for (const kind of ['bare', 'ours']) results[kind] = await measure(kind, viewers);
    if (beforeCheckout) results.before = await measure('ours', viewers, path.resolve(beforeCheckout));
    report(count, results);
  }
  if (soakMinutes > 0) await soak();
} finally {
  await cleanUp();
}

async function cleanUp() {
  redis.disconnect();
  redisServer.kill();
  await database.end();
  await postgres.stop();
  rmSync(directory, { recursive: true, force: true });
}

async function endEarly() {
  await cleanUp();
  process.exit(1);
}

async function measure(kind, viewers, checkout) {
  const target = await Target.start(kind, viewers, stores, checkout);
  const rates = [];
  await target.saturate();
  for (let round = 0; round < ROUNDS; round++) rates.push(await target.saturate());
  const latencies = await target.pace(PACED_SECONDS);
  await target.stop();
  return {
    kibibytesPerSocket: target.bytesPerSocket / 1_024,
    eventsPerCpuSecond: rates.sort((left, right) => left - right)[Math.floor(ROUNDS / 2)],
    p50Ms: latencies[Math.floor(latencies.length * 0.5)],
    p99Ms: latencies[Math.floor(latencies.length * 0.99)],
  };
}

function report(count, { bare, ours, before }) {
  console.log(`\n${count.toLocaleString('en')} sockets`);
  console.log('        KiB a socket   events per CPU-second   p50 ms   p99 ms');
  for (const [name, result] of Object.entries({ bare, ours, ...(before && { before }) })) {
    const columns = [
      result.kibibytesPerSocket.toFixed(1).padStart(12),
      Math.round(result.eventsPerCpuSecond).toLocaleString('en').padStart(23),
      result.p50Ms.toFixed(1).padStart(8),
      result.p99Ms.toFixed(1).padStart(8),
    ];
    console.log(`${name.padEnd(7)}${columns.join(' ')}`);
  }
  if (before)
    console.log(`before / bare: ${(before.eventsPerCpuSecond / bare.eventsPerCpuSecond).toFixed(2)} events per CPU-second`);
  console.log(`ours / bare: ${(ours.eventsPerCpuSecond / bare.eventsPerCpuSecond).toFixed(2)} events per CPU-second`);
}

/** Constant load; memory at the end of each minute, after a collection. The exit code is 1 when it has grown. */
async function soak() {
  const viewers = Array.from({ length: 1_000 }, () => randomUUID());
  await database.query(
    `insert into balances (user_id, currency, created_at, updated_at) select unnest($1::uuid[]), 'EUR', now(), now()`,
    [viewers],
  );
  const target = await Target.start('ours', viewers, stores);
  const residents = [];
  for (let minute = 1; minute <= soakMinutes; minute++) {
    const latencies = await target.pace(60);
    const { rssBytes, heapBytes } = await target.usage('memory');
    const [resident, heap] = [rssBytes, heapBytes].map(mebibytes);
    const p99Ms = latencies[Math.floor(latencies.length * 0.99)].toFixed(1);
    console.log(`minute ${minute}: ${resident} MiB resident, ${heap} MiB of heap in use; p99 ${p99Ms} ms`);
    residents.push(rssBytes);
  }
  await target.stop();
  const growth = residents.at(-1) / residents[0];
  console.log(
    `resident: ${mebibytes(residents[0])} MiB after the first minute, ${mebibytes(residents.at(-1))} MiB after the last`,
  );
  console.log(`last / first: ${growth.toFixed(3)}, at most ${MAX_GROWTH} is allowed`);
  if (growth > MAX_GROWTH) process.exitCode = 1;
}

function mebibytes(bytes) {
  return (bytes / 2 ** 20).toFixed(1);
}

async function freePort() {
  const server = net.createServer();
  const port = await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));
  await new Promise((resolve) => server.close(resolve));
  return port;
}
