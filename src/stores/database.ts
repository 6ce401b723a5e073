import pg from 'pg';
import type { CallObserver } from './observe-calls.js';
import { PreparedPlaces, type PreparedPlacesSettings } from './prepared-places.js';
import { sessionSettings } from './session.js';
import { type Release, ViewerBusy, ViewerPlaces, type ViewerPlacesSettings } from './viewer-places.js';

/** A named prepared statement: planned once for each connection, then only its values travel. Names are unique. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  /** Of statements that callers compose, of which there is no end: what metrics call them. Not all of them are prepared. */
  readonly family?: string;
}

/** Where statements run: the pool, or one transaction of it. */
export interface Queryable {
  query<Row>(statement: Statement, values?: readonly unknown[]): Promise<Row[]>;
  /**
   * Of transactions: takes one of the viewer's places until the transaction ends. Without a free one the transaction is rolled
   * back, and run again when it has one.
   */
  takePlace?(userId: string): void;
}

export interface DatabaseSettings {
  url: string;
  /** More connections make a hot row slower, not faster: 8 was best on two cores. */
  poolSize: number;
  statementTimeoutMs: number;
  connectionTimeoutMs: number;
  /** How long a statement waits for a row that another transaction holds; without it, as long as for a statement. */
  lockTimeoutMs?: number;
  /** A transaction that stands still for longer is ended, so that it holds up nobody; without it, never. */
  idleTransactionTimeoutMs?: number;
  /** How many connections one viewer's changes may hold, and how many may wait for them; without it, as many as there are. */
  viewerPlaces?: Omit<ViewerPlacesSettings, 'waitMs'>;
  /** Which statements that callers compose are prepared; the defaults unless said. */
  preparedPlaces?: PreparedPlacesSettings;
  /** Shown in pg_stat_activity. */
  applicationName?: string;
  /** Told of connections that break while idle; the pool replaces them. */
  onIdleError?: (error: Error) => void;
  observer?: Pick<CallObserver, 'statement'>;
}

/** Deadlock and serialization failure: the transaction did nothing and may be run again. */
const REPEATABLE = new Set(['40001', '40P01']);
const MAX_ATTEMPTS = 3;
/** After the time that Postgres ends a statement itself. Who hears nothing until then sits on a line that is cut. */
const SILENCE_MS = 2_000;
/** What a connection has prepared is freed with it: see PreparedPlaces. */
const CONNECTION_LIFETIME_SECONDS = 60 * 60;
/** The longest that a timer can be set to. */
const UNLIMITED_MS = 2 ** 31 - 1;
const noStatementTimeout: Statement = { name: 'no-statement-timeout', text: 'set local statement_timeout = 0' };
const COMMIT: Statement = { name: 'commit', text: 'commit' };

const types = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    if (oid === pg.types.builtins.INT8 || oid === pg.types.builtins.NUMERIC) return exactNumber;
    return pg.types.getTypeParser(oid, format as 'text');
  }) as typeof pg.types.getTypeParser,
};

/** Amounts are held within ±(2^53-1) by check constraints; a sum that is not exact must not pass for one. */
function exactNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`not an exact integer: ${text}`);
  return value;
}

/** The shared pool behind all hot reads and all writes of money. MikroORM has a pool of its own for the catalogue. */
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
    // A connection that breaks between two statements of a transaction says so by an event, which would end the process if
    // nobody heard it. The next statement fails by itself, and the pool lets the connection go.
    this.pool.on('connect', (client) => client.on('error', () => {}));
  }

  /** Runs one statement on any connection, in a transaction of its own. Ends in pg's DatabaseError. */
  async query<Row>(statement: Statement, values: readonly unknown[] = []): Promise<Row[]> {
    return this.run(this.pool, statement, values);
  }

  /**
   * Where single statements run that may wait for a lock of this viewer: in one of the viewer's places.
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
   * Runs `work` in one transaction (READ COMMITTED) and gives back what it gives. Whatever it throws rolls back. After a
   * deadlock it is run again, so it must not touch anything but the database. `unlimited`: its statements may take as long as they
   * take.
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

  /** `held`: places that the transaction has; all of them are given back at its end. */
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

  /** Begins a transaction on a connection of its own, and rolls it back should `work` fail. */
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
      // A connection that cannot roll back is not given back to the pool.
      client.release(broken);
    }
  }

  /** For metrics: connections that are open, that wait for work, and work that waits for a connection. */
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
    const { name, text, family } = statement;
    const isPrepared = family === undefined || this.preparedPlaces.use(name);
    const config = { text, values: values as unknown[], query_timeout: timeoutMs, ...(isPrepared && { name }) };
    const run = () => on.query(config);
    const result = await (this.observer ? this.observer.statement(family ?? name, run) : run());
    return result.rows as Row[];
  }

  async close(): Promise<void> {
    await this.pool.end();
  }
}

/** At least one connection is left for everyone else. */
function placesOf({ viewerPlaces, poolSize, lockTimeoutMs, statementTimeoutMs }: DatabaseSettings): ViewerPlaces | null {
  if (!viewerPlaces) return null;
  const maximumCount = Math.max(1, Math.min(viewerPlaces.maximumCount, poolSize - 1));
  return new ViewerPlaces({ maximumCount, queueCount: viewerPlaces.queueCount, waitMs: lockTimeoutMs ?? statementTimeoutMs });
}

/** Connections that broke, that could not be made, or a server that is stopping: class 08, 53300 and 57P0x of Postgres. */
const UNREACHABLE =
  /^(ECONNREFUSED|ECONNRESET|EPIPE|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|08...|53300|57P0[123])$/;
const UNREACHABLE_MESSAGE = /^(Connection terminated|timeout exceeded when trying to connect|Query read timeout)/;

/** Whether a statement failed because its server cannot be reached: nothing is wrong with the statement. */
export function isUnreachable(error: unknown): boolean {
  const { code, message } = asFailure(error);
  return UNREACHABLE.test(code) || (!(error instanceof pg.DatabaseError) && UNREACHABLE_MESSAGE.test(message));
}

/**
 * Deadlock and serialization failure (40001, 40P01), a lock or a statement that took too long or was cancelled (55P03, 57014), no
 * room, memory or connections (53), a server that is stopping, starting or gone over to another (57P0x, 25006: it is read-only, as a
 * standby is), a session that was ended (25P03, 25P04), a disk that fails (58030).
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const TRANSIENT = /^(40001|40P01|55P03|57014|53...|57P0.|25006|25P03|25P04|58030)$/;
const TRANSIENT_MESSAGE = /^(Client (has encountered|was closed)|Cannot use a pool after calling end)/;

/**
 * Whether a statement failed because of the state that the database, or the connection to it, is in: nothing is wrong with the
 * statement, nothing was committed by it that it can know of, and it may be tried again later.
 */
export function isTransient(error: unknown): boolean {
  if (isUnreachable(error) || error instanceof ViewerBusy) return true;
  if (error instanceof pg.DatabaseError) {
    // What ends the session, or refuses it, says nothing of the statement.
    return TRANSIENT.test(error.code ?? '') || error.severity === 'FATAL' || error.severity === 'PANIC';
  }
  // MongoDB, where jobs may be kept: MongoServerSelectionError, MongoNetworkTimeoutError, MongoPoolClearedError and the like.
  const { name, message } = asFailure(error);
  return TRANSIENT_MESSAGE.test(message) || /^Mongo(ServerSelection|Network|Pool|WaitQueue|Topology)/.test(name);
}

/** Not by `instanceof Error`, which errors of Node's own need not be in another realm, such as a test's. */
function asFailure(error: unknown): { name: string; code: string; message: string } {
  const { name = '', code = '', message = '' } = (error ?? {}) as Partial<Record<'name' | 'code' | 'message', unknown>>;
  return { name: String(name), code: String(code), message: String(message) };
}

/** Class 28 and 3D of Postgres: who asks, or the database's name; certificates that are not believed; no TLS where it is wanted. */
const REFUSED_CONNECTION = /^(28...|3D...)$|CERT|LEAF_SIGNATURE|^ERR_TLS_/;
const REFUSED_CONNECTION_MESSAGE = /^The server does not support SSL connections/;

/** Whether it is the connection that could not be made, by a server that is away or by a URL that is wrong. */
export function isConnectionFault(error: unknown): boolean {
  if (isUnreachable(error)) return true;
  const { code, message } = error as { code?: unknown; message?: unknown };
  return REFUSED_CONNECTION.test(String(code)) || REFUSED_CONNECTION_MESSAGE.test(String(message));
}

/** Class 22, data exception: what no attempt will ever store. https://www.postgresql.org/docs/current/errcodes-appendix.html */
export function isDataException(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code?.startsWith('22') === true;
}

/** The constraint that a statement broke, or null when it failed for another reason. */
export function brokenConstraint(error: unknown): string | null {
  return error instanceof pg.DatabaseError && error.code?.startsWith('23') ? (error.constraint ?? null) : null;
}
