import { randomUUID } from 'node:crypto';
import { Database, type Queryable } from '../../src/stores/database.js';
import type { Hints } from '../../src/stores/hints.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';

/** A database, and changes written as the ledger writes them: numbered under the viewer's lock, in one transaction. */
export class LiveScene {
  private constructor(private readonly test: TestDatabase) {}

  static async open(): Promise<LiveScene> {
    return new LiveScene(await testDatabase());
  }

  get database(): Database {
    return this.test.database;
  }

  get url(): string {
    return this.test.url;
  }

  /** A viewer with an empty balance. */
  async viewer(): Promise<string> {
    const userId = randomUUID();
    await this.database.query(INSERT_BALANCE, [userId]);
    return userId;
  }

  /** Changes the balance and, when one is given, a grant; returns the new version. */
  async change(userId: string, hints: Hints | null, grantId: string | null = null): Promise<number> {
    const { version, sequence } = await this.database.transaction(async (tx) => {
      const row = one(await tx.query<Numbered>(CHANGE_BALANCE, [userId]));
      await tx.query(INSERT_ENTRY, [userId, row.sequence, 'MOVEMENT', randomUUID(), row.version, row.posted, 0]);
      return grantId === null ? row : writeGrantEntry(tx, userId, grantId);
    });
    hints?.announce(userId, sequence);
    return version;
  }

  /** Changes a grant alone; returns the entry's number. */
  async changeGrant(userId: string, grantId: string, hints: Hints | null): Promise<number> {
    const { sequence } = await this.database.transaction((tx) => writeGrantEntry(tx, userId, grantId));
    hints?.announce(userId, sequence);
    return sequence;
  }

  /** A viewer from before there was a journal: live events up to number 7, then the genesis of long ago with one grant. */
  async viewerWithGenesis(): Promise<string> {
    const userId = randomUUID();
    await this.database.transaction(async (tx) => {
      await tx.query(INSERT_BALANCE, [userId]);
      await tx.query(INSERT_GENESIS, [userId, randomUUID()]);
      await tx.query(AFTER_GENESIS, [userId]);
    });
    return userId;
  }

  /** A gift, `day` days old. */
  async grant(userId: string, status = 'ACTIVE', day = 0): Promise<string> {
    const [subscriptionId, versionId, grantId] = [randomUUID(), randomUUID(), randomUUID()];
    await this.database.query(INSERT_SUBSCRIPTION, [subscriptionId]);
    await this.database.query(INSERT_VERSION, [versionId, subscriptionId]);
    await this.database.query(INSERT_GRANT, [grantId, userId, versionId, status, day]);
    return grantId;
  }

  /** Dates the viewer's entries up to a number to the year 2000, past the triggers. */
  async age(userId: string, sequence: number): Promise<void> {
    await this.database.transaction(async (tx) => {
      await tx.query(PAST_THE_TRIGGERS);
      await tx.query(AGE_ENTRIES, [userId, sequence]);
    });
  }

  async close(): Promise<void> {
    await this.test.drop();
  }
}

export function openDatabase(url: string): Database {
  return new Database({ url, poolSize: 8, statementTimeoutMs: 10_000, connectionTimeoutMs: 5_000 });
}

/** The next item of a stream; fails when it does not come within the time. */
export async function nextOf<Item>(stream: AsyncIterator<Item>, withinMs = 10_000): Promise<Item> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing came within ${withinMs} ms`)), withinMs);
  });
  const { value, done } = await Promise.race([stream.next(), late]).finally(() => clearTimeout(timer));
  if (done) throw new Error('the stream has ended');
  return value;
}

export async function take<Item>(stream: AsyncIterator<Item>, count: number): Promise<Item[]> {
  const items: Item[] = [];
  while (items.length < count) items.push(await nextOf(stream));
  return items;
}

export const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);

export function one<Row>(rows: readonly Row[]): Row {
  if (rows.length !== 1) throw new Error(`expected one row, not ${rows.length}`);
  return rows[0] as Row;
}

/** Counts statements, and fails or keeps back answers on demand. */
export class WatchedDatabase implements Queryable {
  readonly statements: string[] = [];
  /** Names of statements whose answers have been read, if only to be kept back. */
  readonly answered: string[] = [];
  failing = false;
  /** Answers to this statement, read already, are kept back until the promise resolves. */
  keptBack: { name: string; until: Promise<void> } | null = null;

  constructor(private readonly database: Queryable) {}

  async query<Row>(statement: { name: string; text: string }, values?: readonly unknown[]): Promise<Row[]> {
    this.statements.push(statement.name);
    if (this.failing) throw new Error('the database is away');
    const keptBack = this.keptBack?.name === statement.name ? this.keptBack : null;
    const rows = await this.database.query<Row>(statement, values);
    this.answered.push(statement.name);
    await keptBack?.until;
    return rows;
  }
}

/** Writes the entry of a grant that changed alone. */
async function writeGrantEntry(tx: Queryable, userId: string, grantId: string): Promise<Numbered> {
  const row = one(await tx.query<Numbered>(CHANGE_GRANT, [userId]));
  await tx.query(INSERT_ENTRY, [userId, row.sequence, 'GRANT', grantId, null, null, null]);
  return row;
}

/** The clock of the tests' feeds. */
export const systemTime = { now: () => new Date() };

interface Numbered {
  sequence: number;
  version: number;
  posted: number;
}

const INSERT_BALANCE = {
  name: 'test-live-insert-balance',
  text: `insert into balances (user_id, currency, created_at, updated_at) values ($1, 'EUR', now(), now())`,
};
const CHANGE_BALANCE = {
  name: 'test-live-change-balance',
  text: `update balances set journal_sequence = journal_sequence + 1, version = version + 1, posted = posted + 7, updated_at = now()
    where user_id = $1 returning journal_sequence as "sequence", version, posted`,
};
const CHANGE_GRANT = {
  name: 'test-live-change-grant',
  text: `update balances set journal_sequence = journal_sequence + 1 where user_id = $1
    returning journal_sequence as "sequence", version, posted`,
};
const INSERT_ENTRY = {
  name: 'test-live-insert-entry',
  text: `insert into journal (user_id, sequence, kind, subject_id, version, posted, held, digest, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, '', now())`,
};
const INSERT_GENESIS = {
  name: 'test-live-insert-genesis',
  text: `insert into journal (user_id, sequence, kind, subject_id, version, posted, held, digest, created_at) values
    ($1, 8, 'GENESIS', null, 0, 0, 0, '', '2000-01-01'), ($1, 9, 'GRANT', $2, null, null, null, '', '2000-01-01')`,
};
const AFTER_GENESIS = { name: 'test-live-after-genesis', text: 'update balances set journal_sequence = 9 where user_id = $1' };
const PAST_THE_TRIGGERS = { name: 'test-live-past-triggers', text: 'set local session_replication_role = replica' };
const AGE_ENTRIES = {
  name: 'test-live-age-entries',
  text: `update journal set created_at = '2000-01-01' where user_id = $1 and sequence <= $2`,
};
const INSERT_SUBSCRIPTION = {
  name: 'test-live-insert-subscription',
  text: `insert into subscriptions (id, title, description, status, created_at, updated_at)
    values ($1, 'Classics', '', 'ACTIVE', now(), now())`,
};
const INSERT_VERSION = {
  name: 'test-live-insert-version',
  text: `insert into subscription_versions
      (id, subscription_id, version, price_per_day, duration_days, price, currency, film_count, created_at)
    values ($1, $2, 1, 10, 30, 300, 'EUR', 1, now())`,
};
const INSERT_GRANT = {
  name: 'test-live-insert-grant',
  text: `insert into grants (id, user_id, version_id, status, paid_with, price_per_day, duration_days, currency, granted_at,
      starts_at, available_until, text_digest, actor_id)
    values ($1, $2, $3, $4, 'GIFT', 10, 30, 'EUR', now() - $5 * interval '1 day', now() - $5 * interval '1 day', now() + interval '30 days', 'a gift', $1)`,
};
