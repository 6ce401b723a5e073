import { createHash } from 'node:crypto';
import type { Queryable, Statement } from '../../stores/database.js';
import { InvalidArgument } from '../errors.js';

export type LiveKind = 'BALANCE' | 'GRANT';

/** A position in a viewer's journal: the client has seen all up to and including `sequence`. Null: start with the current state. */
export interface LivePoint {
  readonly sequence: number | null;
}

/** The changes after a cursor are older than cursors are valid. `code` is part of the API. */
export class CursorExpired extends Error {
  override readonly name = 'CursorExpired';
  readonly code = 'CURSOR_EXPIRED';

  constructor() {
    super('The changes after this cursor are no longer available. Subscribe again without `after`.');
  }
}

const FORMAT = 1;
const KINDS = { BALANCE: 1, GRANT: 2 } as const satisfies Record<LiveKind, number>;
/** Format, kind and seven bytes of the viewer's hash: nine bytes encode to exactly twelve characters, so they can be compared as text. */
const OWNER_BYTES = 9;
const OWNER_CHARACTERS = 12;
/** No entry has this number: `journal.sequence` is a signed 32-bit integer. */
const RESTART = 0xffff_ffff;
const scratch = Buffer.alloc(4);

/**
 * Writes and reads the cursors of one viewer and one kind of change. A cursor is 13 bytes in base64url: format, kind, seven
 * bytes of the viewer's hash, sequence. It contains no secret and grants nothing; the hash only prevents confusion with another
 * viewer's cursor.
 */
export class LiveCursors {
  private readonly owner: string;

  constructor(
    private readonly userId: string,
    private readonly kind: LiveKind,
  ) {
    this.owner = ownerOf(userId, kind);
  }

  /** Returns the cursor that points just after the event with this number. */
  at(sequence: number): string {
    scratch.writeUInt32BE(sequence);
    return this.owner + scratch.toString('base64url');
  }

  /** Returns the cursor of an item in the middle of the current state: resuming from it sends the current state again. */
  restart(): string {
    return this.at(RESTART);
  }

  /** @throws InvalidArgument for anything that is not a cursor of this viewer and kind */
  read(cursor: string): LivePoint {
    const given = /^[A-Za-z0-9_-]{18}$/.test(cursor) ? Buffer.from(cursor, 'base64url') : null;
    if (given?.[0] !== FORMAT) throw new InvalidArgument('after', '`after` is not a valid cursor.');
    const owner = cursor.slice(0, OWNER_CHARACTERS);
    const other = this.kind === 'GRANT' ? 'BALANCE' : 'GRANT';
    if (owner === ownerOf(this.userId, other)) {
      throw new InvalidArgument('after', `\`after\` is a cursor of ${other === 'GRANT' ? 'grantChanged' : 'balanceChanged'}.`);
    }
    if (owner !== this.owner) throw new InvalidArgument('after', '`after` is a cursor of another viewer.');
    const sequence = given.readUInt32BE(OWNER_BYTES);
    return { sequence: sequence === RESTART ? null : sequence };
  }
}

function ownerOf(userId: string, kind: LiveKind): string {
  const owner = Buffer.from([
    FORMAT,
    KINDS[kind],
    ...createHash('sha256')
      .update(userId)
      .digest()
      .subarray(0, OWNER_BYTES - 2),
  ]);
  return owner.toString('base64url');
}

/** The position of a cursor in its viewer's journal, read when a client presents it. */
export interface CursorPosition {
  /** The number of the last entry that the client has seen; null without a cursor. */
  readonly seen: number | null;
  /** The number of the last entry; 0 if there is none. */
  readonly last: number;
  /** When the first entry that the client has not seen was written; null if there is no such entry. */
  readonly missedAt: Date | null;
}

/**
 * Whether a client that has seen everything up to `sequence` may resume: it has missed nothing, or nothing from before `oldest`. False
 * for a number from the future (after a database restore), and for one from before the viewer's journal was begun.
 */
export function canResumeAfter(sequence: number, { last, missedAt }: Omit<CursorPosition, 'seen'>, oldest: Date): boolean {
  return sequence === last || (sequence < last && missedAt !== null && missedAt >= oldest);
}

/** A balance after a change. */
export interface LiveBalance {
  readonly userId: string;
  readonly currency: string;
  readonly posted: number;
  readonly held: number;
  readonly version: number;
  /** Null if the balance never changed. */
  readonly updatedAt: Date | null;
}

export interface CurrentState {
  readonly balance: LiveBalance;
  readonly position: CursorPosition;
}

/**
 * One statement, so that the balance and the number of the last entry are consistent. $2: the last number that the client has seen. What
 * began the journal of a viewer from before there was one, a genesis entry and those written with it, is no change: a client that has seen
 * all before it has seen it too.
 */
const READ_CURRENT_STATE: Statement = {
  name: 'read-live-current-state',
  text: `
    select currency, posted, held, version, updated_at as "updatedAt", journal_sequence as "last", point.seen,
      (select created_at from journal where journal.user_id = $1 and journal.sequence = point.seen + 1) as "missedAt"
    from balances cross join lateral (
      select coalesce((
        select max(beginning.sequence) from journal genesis join journal beginning on beginning.user_id = genesis.user_id
          and beginning.position::text = genesis.position::text
        where genesis.user_id = $1 and genesis.sequence = $2::bigint + 1 and genesis.kind = 'GENESIS'
      ), $2::bigint) as seen
    ) point
    where balances.user_id = $1`,
};

/** One statement, so that the grants and the number of the last entry are consistent. */
const READ_CURRENT_GRANTS: Statement = {
  name: 'read-live-current-grants',
  text: `
    select balances.journal_sequence as "last", array(
      select id from grants where user_id = $1 and status in ('ACTIVE', 'SUSPENDED') order by granted_at, id limit $2
    ) as "grantIds"
    from balances where user_id = $1`,
};

/**
 * The balance, and the position of a client that has seen the entries up to `seen`. A viewer without a balance row has never had a
 * change: their balance is empty, in `defaultCurrency`.
 */
export async function readCurrentState(
  database: Queryable,
  userId: string,
  defaultCurrency: string,
  seen: number | null,
): Promise<CurrentState> {
  type Row = Omit<LiveBalance, 'userId'> & CursorPosition;
  const [row] = await database.query<Row>(READ_CURRENT_STATE, [userId, seen]);
  if (!row) {
    const balance = { userId, currency: defaultCurrency, posted: 0, held: 0, version: 0, updatedAt: null };
    return { balance, position: { seen, last: 0, missedAt: null } };
  }
  const { seen: reached, last, missedAt, ...balance } = row;
  return { balance: { userId, ...balance }, position: { seen: reached, last, missedAt } };
}

/** Returns the ids of the grants that are ACTIVE or SUSPENDED, oldest first, and the number of the last entry they include. */
export async function readCurrentGrants(
  database: Queryable,
  userId: string,
  maxCount: number,
): Promise<{ grantIds: readonly string[]; last: number }> {
  const [row] = await database.query<{ grantIds: string[]; last: number }>(READ_CURRENT_GRANTS, [userId, maxCount]);
  return row ?? { grantIds: [], last: 0 };
}
