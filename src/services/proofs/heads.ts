import { type Queryable, statement } from '../../stores/database.js';
import { leavesOf, rootOver } from './merkle.js';

/** A subtree of 2^8 leaves: large enough that there are few, and small enough that a proof reads a few kilobytes. */
const HEADS_PER_BLOCK = 256;
/** Viewers per statement. */
const BLOCKS_PER_STEP = 16;
const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

/** Heads of consecutive viewers, as one subtree. */
export interface HeadsBlock {
  readonly firstUserId: string;
  /** Packed, as merkle.ts has them. */
  readonly heads: Buffer;
  /** How many there are. */
  readonly count: number;
  readonly hash: Buffer;
}

/** Each viewer's last entry below the cut, by primary key from the end: `position` is only compared. */
const headsBelow = statement('heads-below-a-cut')`
  select viewer.user_id as "userId", uuid_send(viewer.user_id) || int4send(head.sequence) || head.hash as head
  from (select user_id from balances where user_id > $1 order by user_id limit $2) viewer
  left join lateral (
    select sequence, hash from journal where user_id = viewer.user_id and position < $3::xid8 order by sequence desc limit 1
  ) head on true
  order by viewer.user_id`;

interface Row {
  readonly userId: string;
  /** Null for a viewer whose journal begins after the cut. */
  readonly head: Buffer | null;
}

/**
 * The heads of all journals at a cut, in order of the viewers' ids, some blocks at a time. Everything below a cut is final, so each step
 * is a transaction of its own: a walk over millions of viewers holds no snapshot and no lock.
 */
export async function* headsAt(database: Queryable, cut: string): AsyncGenerator<HeadsBlock[]> {
  let open: Row[] = [];
  for (let after = BEFORE_ALL; ; ) {
    const rows = await database.query<Row>(headsBelow, [after, HEADS_PER_BLOCK * BLOCKS_PER_STEP, cut]);
    const last = rows.at(-1);
    if (!last) break;
    after = last.userId;
    open.push(...rows.filter(({ head }) => head));
    const blocks: HeadsBlock[] = [];
    for (; open.length >= HEADS_PER_BLOCK; open = open.slice(HEADS_PER_BLOCK))
      blocks.push(blockOf(open.slice(0, HEADS_PER_BLOCK)));
    if (blocks.length > 0) yield blocks;
  }
  if (open.length > 0) yield [blockOf(open)];
}

function blockOf(rows: readonly Row[]): HeadsBlock {
  const heads = Buffer.concat(rows.map(({ head }) => head as Buffer));
  return { firstUserId: (rows[0] as Row).userId, heads, count: rows.length, hash: rootOver(leavesOf(heads)) };
}
