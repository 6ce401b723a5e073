import type { EntityManager } from '@mikro-orm/postgresql';
import pg from 'pg';
import { withEntityManager } from './entity-manager.js';
import type { CallObserver } from './observe-calls.js';
import { PreparedPlaces, type PreparedPlacesSettings } from './prepared-places.js';
import { sessionSettings } from './session.js';
import { type Release, ViewerBusy, ViewerPlaces, type ViewerPlacesSettings } from './viewer-places.js';

/** A named prepared statement: planned once per connection, then only its values are sent. Names are unique. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  /** Of statements that callers compose, of which there is no end: what metrics call them. Not all of them are prepared. */
  readonly family?: string;
  /** Its values are in its text, which is another each time: it is not prepared. */
  readonly holdsValues?: true;
}

/** Names the SQL that follows: statement('grants-by-id')`select …`. What is inserted into it is SQL too, never a value. */
export const statement =
  (name: string) =>
  (texts: TemplateStringsArray, ...parts: readonly string[]): Statement => ({
    name,
    text: String.raw({ raw: texts }, ...parts).trim(),
  });

/** Runs statements: the pool, or one of its transactions. */
export interface Queryable {
  query<Row>(statement: Statement, values?: readonly unknown[]): Promise<Row[]>;
  /**
   * In transactions: takes one of the viewer's places until the transaction ends. If none is free, the transaction is rolled back, and
   * run again once it has one.
   */
  takePlace?(userId: string): void;
}

export interface DatabaseSettings {
  url: string;
  /** More connections make a hot row slower, not faster: 8 was best on two cores. */
  poolSize: number;
  statementTimeoutMs: number;
  connectionTimeoutMs: number;
  /** How long a statement waits for a row locked by another transaction. Default: the statement timeout. */
  lockTimeoutMs?: number;
  /** How long a transaction may be idle before it is terminated, so that it blocks nobody. Default: unlimited. */
  idleTransactionTimeoutMs?: number;
  /** How many connections one viewer's changes may hold, and how many may wait for one. Default: unlimited. */
  viewerPlaces?: Omit<ViewerPlacesSettings, 'waitMs'>;
  /** Which statements that callers compose are prepared; the defaults unless said. */
  preparedPlaces?: PreparedPlacesSettings;
  /** Shown in pg_stat_activity. */
  applicationName?: string;
  /** Called when an idle connection is lost; the pool replaces it. */
  onIdleError?: (error: Error) => void;
  observer?: Pick<CallObserver, 'statement'>;
}

/** Deadlock and serialization failure: the transaction had no effect and may be run again. */
const REPEATABLE = new Set(['40001', '40P01']);
const MAX_ATTEMPTS = 3;
/** After Postgres' own statement timeout. A connection that is silent until then is dead. */
const SILENCE_MS = 2_000;
/** What a connection has prepared is freed with it: see PreparedPlaces. */
const CONNECTION_LIFETIME_SECONDS = 60 * 60;
/** The maximum delay of a timer. */
const UNLIMITED_MS = 2 ** 31 - 1;
const noStatementTimeout: Statement = { name: 'no-statement-timeout', text: 'set local statement_timeout = 0' };
const COMMIT: Statement = { name: 'commit', text: 'commit' };

const types = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    if (oid === pg.types.builtins.INT8 || oid === pg.types.builtins.NUMERIC) return exactNumber;
    return pg.types.getTypeParser(oid, format as 'text');
  }) as typeof pg.types.getTypeParser,
};

/** Check constraints keep amounts within ±(2^53-1); an inexact sum must not be mistaken for an exact one. */
function exactNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`not an exact integer: ${text}`);
  return value;
}

/** The one pool of reads and writes. Entities are changed through MikroORM on its connections. */
export class Database implements Queryable {
  readonly pool: pg.Pool;
  private readonly observer: DatabaseSettings['observer'];
  private readonly places: ViewerPlaces | null;
  private readonly preparedPlaces: PreparedPlaces;

  constructor(settings: DatabaseSettings) {
    this.observer = settings.observer;
    this.places = placesOf(settings);
    this.preparedPlaces = new PreparedPlaces(settings.preparedPlaces);
    this.pool = new pg.Pool({
      connectionString: settings.url,
      max: settings.poolSize,
      connectionTimeoutMillis: settings.connectionTimeoutMs,
      query_timeout: settings.statementTimeoutMs + SILENCE_MS,
      keepAlive: true,
      maxLifetimeSeconds: CONNECTION_LIFETIME_SECONDS,
      application_name: settings.applicationName ?? 'boxoffice',
      onConnect: sessionSettings(settings),
      types,
    });
    this.pool.on('error', (error) => settings.onIdleError?.(error));
    // A connection that is lost between two statements of a transaction emits an error event, which would end the process without a
    // listener. The next statement fails anyway, and the pool discards the connection.
    this.pool.on('connect', (client) => client.on('error', () => {}));
  }

  /** Runs one statement on any connection, in its own transaction. @throws pg's DatabaseError */
  async query<Row>(statement: Statement, values: readonly unknown[] = []): Promise<Row[]> {
    return this.run(this.pool, statement, values);
  }

  /**
   * Runs single statements that may wait for a lock of this viewer, in one of the viewer's places.
   * @throws ViewerBusy when too many wait for one
   */
  forViewer(userId: string): Queryable {
    const { places } = this;
    if (!places) return this;
    return {
      query: async <Row>(statement: Statement, values: readonly unknown[] = []): Promise<Row[]> => {
        const release = places.tryTake(userId) ?? (await places.take(userId));
        try {
          return await this.run<Row>(this.pool, statement, values);
        } finally {
          release();
        }
      },
    };
  }

  /**
   * Runs `work` in one transaction (READ COMMITTED) and returns its result. If it throws, the transaction is rolled back. After a deadlock
   * it is run again, so it must not have effects outside the database. `unlimited`: without a statement timeout.
   */
  async transaction<Result>(work: (tx: Queryable) => Promise<Result>, { unlimited = false } = {}): Promise<Result> {
    const held = new Map<string, Release>();
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.attempt(work, unlimited, held);
      } catch (error) {
        if (attempt >= MAX_ATTEMPTS) throw error;
        if (error instanceof ViewerBusy && this.places) held.set(error.userId, await this.places.take(error.userId));
        else if (!(error instanceof pg.DatabaseError) || !REPEATABLE.has(error.code ?? '')) throw error;
      }
    }
  }

  /** As `transaction`, with an EntityManager of its own: the entities that `work` changed are written before the commit. */
  changeEntities<Result>(work: (em: EntityManager, tx: Queryable) => Promise<Result>): Promise<Result> {
    return this.transaction((tx) => withEntityManager(tx, (em) => work(em, tx)));
  }

  /** `held`: the places that the transaction has; all of them are released at its end. */
  private async attempt<Result>(
    work: (tx: Queryable) => Promise<Result>,
    unlimited: boolean,
    held: Map<string, Release>,
  ): Promise<Result> {
    const timeoutMs = unlimited ? UNLIMITED_MS : undefined;
    try {
      return await this.inConnection(async (client) => {
        if (unlimited) await this.run(client, noStatementTimeout, []);
        const result = await work({
          query: <Row>(statement: Statement, values: readonly unknown[] = []) =>
            this.run<Row>(client, statement, values, timeoutMs),
          takePlace: (userId) => this.enter(userId, held),
        });
        await this.run(client, COMMIT, []);
        return result;
      });
    } finally {
      for (const release of held.values()) release();
      held.clear();
    }
  }

  private enter(userId: string, held: Map<string, Release>): void {
    if (!this.places || held.has(userId)) return;
    const release = this.places.tryTake(userId);
    if (!release) throw new ViewerBusy(userId);
    held.set(userId, release);
  }

  /** Begins a transaction on its own connection, and rolls it back if `work` fails. */
  private async inConnection<Result>(work: (client: pg.PoolClient) => Promise<Result>): Promise<Result> {
    const client = await this.pool.connect();
    let broken: Error | undefined;
    try {
      await client.query('begin');
      return await work(client);
    } catch (error) {
      await client.query('rollback').catch((rollbackError: Error) => {
        broken = rollbackError;
      });
      throw error;
    } finally {
      // A connection that cannot roll back is not returned to the pool.
      client.release(broken);
    }
  }

  /** For metrics: open connections, idle connections, and requests waiting for one. */
  statistics(): { open: number; idle: number; waiting: number } {
    const { totalCount, idleCount, waitingCount } = this.pool;
    return { open: totalCount, idle: idleCount, waiting: waitingCount };
  }

  private async run<Row>(
    on: pg.Pool | pg.PoolClient,
    statement: Statement,
    values: readonly unknown[],
    timeoutMs?: number,
  ): Promise<Row[]> {
    const { name, text, family, holdsValues } = statement;
    const isPrepared = !holdsValues && (family === undefined || this.preparedPlaces.use(name));
    const config = { text, values: values as unknown[], query_timeout: timeoutMs, ...(isPrepared && { name }) };
    const run = () => on.query(config);
    const result = await (this.observer ? this.observer.statement(family ?? name, run) : run());
    return result.rows as Row[];
  }

  async close(): Promise<void> {
    await this.pool.end();
  }
}

/** Leaves at least one connection for everyone else. */
function placesOf({ viewerPlaces, poolSize, lockTimeoutMs, statementTimeoutMs }: DatabaseSettings): ViewerPlaces | null {
  if (!viewerPlaces) return null;
  const maximumCount = Math.max(1, Math.min(viewerPlaces.maximumCount, poolSize - 1));
  return new ViewerPlaces({ maximumCount, queueCount: viewerPlaces.queueCount, waitMs: lockTimeoutMs ?? statementTimeoutMs });
}

/** Lost or failed connections, or a server that is stopping: Postgres' class 08, 53300 and 57P0x. */
const UNREACHABLE =
  /^(ECONNREFUSED|ECONNRESET|EPIPE|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|08...|53300|57P0[123])$/;
const UNREACHABLE_MESSAGE = /^(Connection terminated|timeout exceeded when trying to connect|Query read timeout)/;

/** Whether a statement failed because the server cannot be reached, not because of the statement itself. */
export function isUnreachable(error: unknown): boolean {
  const { code, message } = asFailure(error);
  return UNREACHABLE.test(code) || (!(error instanceof pg.DatabaseError) && UNREACHABLE_MESSAGE.test(message));
}

/**
 * Deadlock and serialization failure (40001, 40P01), a lock or statement that timed out or was cancelled (55P03, 57014), no space,
 * memory or connections (53), a server that is stopping, starting or failing over (57P0x; 25006: it is read-only, like a standby), a
 * terminated session (25P03, 25P04), a disk failure (58030).
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const TRANSIENT = /^(40001|40P01|55P03|57014|53...|57P0.|25006|25P03|25P04|58030)$/;
const TRANSIENT_MESSAGE = /^(Client (has encountered|was closed)|Cannot use a pool after calling end)/;

/**
 * Whether a statement failed because of the state of the database or the connection: the statement itself is correct, no commit of it is
 * known, and it may be retried later.
 */
export function isTransient(error: unknown): boolean {
  if (isUnreachable(error) || error instanceof ViewerBusy) return true;
  if (error instanceof pg.DatabaseError) {
    // An error that ends or rejects the session is not about the statement.
    return TRANSIENT.test(error.code ?? '') || error.severity === 'FATAL' || error.severity === 'PANIC';
  }
  // MongoDB, which may store jobs: MongoServerSelectionError, MongoNetworkTimeoutError, MongoPoolClearedError and the like.
  const { name, message } = asFailure(error);
  return TRANSIENT_MESSAGE.test(message) || /^Mongo(ServerSelection|Network|Pool|WaitQueue|Topology)/.test(name);
}

/** Not by `instanceof Error`: Node's own errors may belong to another realm, such as in tests. */
function asFailure(error: unknown): { name: string; code: string; message: string } {
  const { name = '', code = '', message = '' } = (error ?? {}) as Partial<Record<'name' | 'code' | 'message', unknown>>;
  return { name: String(name), code: String(code), message: String(message) };
}

/** Postgres' class 28 (authentication) and 3D (database name), untrusted certificates, and missing TLS. */
const REFUSED_CONNECTION = /^(28...|3D...)$|CERT|LEAF_SIGNATURE|^ERR_TLS_/;
const REFUSED_CONNECTION_MESSAGE = /^The server does not support SSL connections/;

/** Whether the connection failed, because the server is unavailable or the URL is wrong. */
export function isConnectionFault(error: unknown): boolean {
  if (isUnreachable(error)) return true;
  const { code, message } = error as { code?: unknown; message?: unknown };
  return REFUSED_CONNECTION.test(String(code)) || REFUSED_CONNECTION_MESSAGE.test(String(message));
}

/** Class 22, data exception: no retry can ever store the value. https://www.postgresql.org/docs/current/errcodes-appendix.html */
export function isDataException(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code?.startsWith('22') === true;
}

/** The constraint that a statement violated, or null if it failed for another reason. */
export function brokenConstraint(error: unknown): string | null {
  return error instanceof pg.DatabaseError && error.code?.startsWith('23') ? (error.constraint ?? null) : null;
}
