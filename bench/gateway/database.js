import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { startEmbeddedPostgres } from '../../dist/src/stores/embedded-postgres/embedded-postgres.js';
import { migrate } from '../../dist/src/stores/migrate.js';
import { cpuSecondsOfFamily, parentOf } from './processes.js';
import { fill } from './seed/fill.js';
import { describeSize } from './sizes.js';

/**
 * One Postgres for all contestants, so with the same settings for all: the product's own embedded one with every commit on the
 * disk before it is acknowledged (fsync, synchronous_commit and full_page_writes are on). Only its memory is set up, as for a
 * database of this size. A fill is kept as a template; each run works on a copy of it.
 */
const MEMORY = { shared_buffers: '1GB', max_wal_size: '8GB', effective_cache_size: '4GB' };

/** Of everything that determines a fill: one kept from other migrations or other data is made again. */
const FINGERPRINT = (() => {
  const hash = createHash('sha256');
  for (const directory of ['./seed/', '../../migrations/']) {
    const path = fileURLToPath(new URL(directory, import.meta.url));
    for (const name of readdirSync(path).sort()) hash.update(readFileSync(path + name));
  }
  return hash.digest('hex').slice(0, 8);
})();

export class BenchDatabase {
  static async start({ keep, log }) {
    if (keep) mkdirSync(keep, { recursive: true });
    const directory = keep ?? mkdtempSync(path.join(os.tmpdir(), 'boxoffice-bench-'));
    const start = () => startEmbeddedPostgres({ dataDirectory: directory });
    const database = new BenchDatabase();
    Object.assign(database, { directory, kept: keep !== undefined, log, postgres: await start() });
    if (!(await database.hasItsMemory())) {
      await database.postgres.stop();
      database.postgres = await start();
    }
    database.postmasterPid = await database.admin(async (client) => {
      const { rows } = await client.query('select pg_backend_pid() as pid');
      return parentOf(rows[0].pid);
    });
    return database;
  }

  /** A fresh copy of the data of this size; its URL. */
  async copy(size) {
    const template = await this.filled(size);
    await this.admin(async (client) => {
      await client.query('drop database if exists bench_run with (force)');
      await client.query(`create database bench_run template ${template} strategy file_copy`);
    });
    await this.warm('bench_run');
    return this.urlOf('bench_run');
  }

  /** The kept data of this size themselves, for those who only read; their URL. */
  async original(size) {
    const template = await this.filled(size);
    await this.warm(template);
    return this.urlOf(template);
  }

  /** Fills, unless that was done before; the name of the database. */
  async filled(size) {
    const template = `bench_${size}_${FINGERPRINT}`;
    await this.admin(async (client) => {
      const { rows } = await client.query('select datname from pg_database where datname like $1', [`bench\\_${size}\\_%`]);
      const names = rows.map(({ datname }) => datname);
      for (const name of names) if (name !== template) await client.query(`drop database ${name}`);
      if (!names.includes(template)) await this.make(client, size, template);
    });
    return template;
  }

  /** Fills under another name first: a fill that was broken off is not taken for one. */
  async make(client, size, template) {
    this.log(`filling ${describeSize(size)}`);
    const begin = performance.now();
    await client.query('drop database if exists bench_draft with (force)');
    await client.query('create database bench_draft');
    await migrate(this.urlOf('bench_draft'));
    await fill(this.urlOf('bench_draft'), size, this.log);
    await client.query(`alter database bench_draft rename to ${template}`);
    const { rows } = await client.query('select pg_size_pretty(pg_database_size($1)) as size', [template]);
    this.log(`filled in ${((performance.now() - begin) / 1_000).toFixed(1)} s, ${rows[0].size} on disk`);
  }

  /** Runs what contestants need in the copy beside the data. */
  async prepare(scripts) {
    const client = new pg.Client({ connectionString: this.urlOf('bench_run') });
    await client.connect();
    for (const script of scripts) if (script) await client.query(script);
    await client.end();
  }

  /**
   * As autovacuum does within a minute. Who connects first plans its statements while tables that are written to are still empty,
   * and would read them from end to end until then.
   */
  async analyze() {
    const client = new pg.Client({ connectionString: this.urlOf('bench_run') });
    await client.connect();
    await client.query('analyze');
    await client.end();
  }

  /** Reads all once, so that the first contestant does not pay for a cold cache. */
  async warm(name) {
    const client = new pg.Client({ connectionString: this.urlOf(name) });
    await client.connect();
    await client.query('create extension if not exists pg_prewarm');
    await client.query(
      `select pg_prewarm(oid) from pg_class where relkind in ('r', 'i') and relnamespace = 'public'::regnamespace`,
    );
    await client.end();
  }

  /** Seconds of CPU that the server's processes have used, the ended ones included. */
  cpuSeconds() {
    return cpuSecondsOfFamily(this.postmasterPid);
  }

  async hasItsMemory() {
    return this.admin(async (client) => {
      for (const [name, value] of Object.entries(MEMORY)) await client.query(`alter system set ${name} = '${value}'`);
      const current = await client.query('show shared_buffers');
      return current.rows[0].shared_buffers === MEMORY.shared_buffers;
    });
  }

  async admin(work) {
    const client = new pg.Client({ connectionString: this.urlOf('postgres') });
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  }

  urlOf(name) {
    return this.postgres.url.replace(/\/[^/]*$/, `/${name}`);
  }

  /** When there is no time to stop: nothing is left running, and nothing on the disk that was not to be kept. */
  abandon() {
    this.postgres.abandon();
    if (!this.kept) rmSync(this.directory, { recursive: true, force: true });
  }

  async stop() {
    await this.admin((client) => client.query('drop database if exists bench_run with (force)'));
    await this.postgres.stop();
    if (!this.kept) rmSync(this.directory, { recursive: true, force: true });
  }
}
