import type { LedgerRoot } from '../../entities/ledger-root.js';
import { ledgerRootColumns } from '../../stores/columns.js';
import { type Queryable, statement } from '../../stores/database.js';
import { checkedFirst, decodeCursor, type Page, pageOf } from '../pagination.js';
import type { HeadsBlock } from './heads.js';

const MAX_NUMBER = 2_147_483_647;

const insertRoot = statement('insert-ledger-root')`
  insert into ledger_roots (id, number, form, root, previous_root, heads_root, cut, heads, signed_at, public_key, signature)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`;
const lastRoot = statement('last-ledger-root')`select ${ledgerRootColumns} from ledger_roots order by number desc limit 1`;
const rootsByIds = statement('ledger-roots-by-ids')`select ${ledgerRootColumns} from ledger_roots where id = any($1::uuid[])`;
const pageOfRoots = statement('page-of-ledger-roots')`
  select ${ledgerRootColumns} from ledger_roots where number < $1 order by number desc limit $2`;
const linksOfRoots = statement('links-of-ledger-roots')`select root, previous_root as "previousRoot" from ledger_roots`;
const waitingRoots = statement('ledger-roots-to-hand-out')`
  select ${ledgerRootColumns} from ledger_roots
  where not exists (select from ledger_root_handovers where root_id = ledger_roots.id) order by number limit $1`;
const insertHandover = statement('insert-ledger-root-handover')`
  insert into ledger_root_handovers (root_id, handed_out_at) values ($1, $2) on conflict do nothing`;
const lastHandedOut = statement('last-handed-out-ledger-root')`
  select ${ledgerRootColumns} from ledger_roots join ledger_root_handovers on root_id = id order by number desc limit 1`;

const insertHeads = statement('insert-ledger-root-heads')`
  insert into ledger_root_heads (root_id, first_user_id, place, heads, hash)
  select $1, block.first_user_id, $2 + block.place - 1, block.heads, block.hash
  from unnest($3::uuid[], $4::bytea[], $5::bytea[]) with ordinality as block (first_user_id, heads, hash, place)`;
/** Those of a run that did not finish are older than the root of the run that did. */
const deleteHeads = statement('delete-ledger-root-heads')`
  with old as (
    select root_id, first_user_id from ledger_root_heads
    where root_id < (select id from ledger_roots order by number desc limit 1)
      and root_id not in (select id from ledger_roots order by number desc limit $1)
      and root_id is distinct from (
        select id from ledger_roots join ledger_root_handovers on root_id = id order by number desc limit 1)
    limit $2
  ), gone as (
    delete from ledger_root_heads using old
    where ledger_root_heads.root_id = old.root_id and ledger_root_heads.first_user_id = old.first_user_id returning 1
  )
  select count(*)::int as count from gone`;
const hashesOfBlocks = statement('hashes-of-ledger-root-heads')`
  select hash from ledger_root_heads where root_id = $1 order by first_user_id`;
const blocksAfter = statement('ledger-root-heads-after')`
  select first_user_id as "firstUserId", heads, hash from ledger_root_heads
  where root_id = $1 and first_user_id > $2 order by first_user_id limit $3`;
const blocksOfUsers = statement('ledger-root-heads-of-viewers')`
  select asked.user_id as "userId", block.place, block.heads from unnest($2::uuid[]) as asked (user_id)
  cross join lateral (
    select place, heads from ledger_root_heads where root_id = $1 and first_user_id <= asked.user_id
    order by first_user_id desc limit 1
  ) block`;

const MAX_WAITING = 1_000;
const BLOCKS_PER_STEP = 100;
const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

/** Stores roots, when they were handed out, and the heads of the newest ones. */
export class RootStore {
  constructor(
    private readonly database: Queryable,
    private readonly pageMaximumCount: number,
  ) {}

  /** Newest first. @throws InvalidArgument for `first`, InvalidCursor for `after` */
  async page({ first, after }: { first: number; after?: string | null }): Promise<Page<LedgerRoot>> {
    checkedFirst(first, this.pageMaximumCount);
    const [number] = after ? decodeCursor(after, ['integer']) : [MAX_NUMBER];
    const before = Math.max(0, Math.min(number, MAX_NUMBER));
    const rows = await this.database.query<LedgerRoot>(pageOfRoots, [before, first + 1]);
    return pageOf(rows, first, (root) => [root.number], after);
  }

  /** Returns the roots that exist, in no particular order. The ids must be UUIDs. */
  byIds(ids: readonly string[]): Promise<LedgerRoot[]> {
    return this.database.query<LedgerRoot>(rootsByIds, [ids]);
  }

  async last(): Promise<LedgerRoot | null> {
    return (await this.database.query<LedgerRoot>(lastRoot))[0] ?? null;
  }

  /** Of every root: one a night. */
  links(): Promise<Pick<LedgerRoot, 'root' | 'previousRoot'>[]> {
    return this.database.query(linksOfRoots);
  }

  async lastHandedOut(): Promise<LedgerRoot | null> {
    return (await this.database.query<LedgerRoot>(lastHandedOut))[0] ?? null;
  }

  /** Those that were not handed out yet, oldest first. */
  waiting(): Promise<LedgerRoot[]> {
    return this.database.query<LedgerRoot>(waitingRoots, [MAX_WAITING]);
  }

  async insert(root: LedgerRoot): Promise<void> {
    const { id, number, form, previousRoot, headsRoot, cut, heads, signedAt, publicKey, signature } = root;
    const values = [id, number, form, root.root, previousRoot, headsRoot, cut, heads, signedAt, publicKey, signature];
    await this.database.query(insertRoot, values);
  }

  async recordHandover(rootId: string, at: Date): Promise<void> {
    await this.database.query(insertHandover, [rootId, at]);
  }

  /** `place`: of the first of these blocks. */
  async insertHeads(rootId: string, place: number, blocks: readonly HeadsBlock[]): Promise<void> {
    const columns = [
      blocks.map((block) => block.firstUserId),
      blocks.map((block) => block.heads),
      blocks.map((block) => block.hash),
    ];
    await this.database.query(insertHeads, [rootId, place, ...columns]);
  }

  /** Deletes the heads of all but the `count` newest roots and the one that was handed out last. */
  async keepHeadsOf(count: number): Promise<void> {
    for (let deleted = BLOCKS_PER_STEP; deleted === BLOCKS_PER_STEP; ) {
      const [row] = await this.database.query<{ count: number }>(deleteHeads, [count, BLOCKS_PER_STEP]);
      deleted = row?.count ?? 0;
    }
  }

  /** The hashes of a root's blocks of heads, in order. */
  async blockHashes(rootId: string): Promise<Buffer[]> {
    const rows = await this.database.query<{ hash: Buffer }>(hashesOfBlocks, [rootId]);
    return rows.map(({ hash }) => hash);
  }

  /** For each viewer, the block with their head, if they have one. */
  blocksOf(rootId: string, userIds: readonly string[]): Promise<{ userId: string; place: number; heads: Buffer }[]> {
    return this.database.query(blocksOfUsers, [rootId, userIds]);
  }

  /** A root's blocks of heads, in order, some at a time. */
  async *blocks(rootId: string): AsyncGenerator<{ firstUserId: string; heads: Buffer; hash: Buffer }[]> {
    for (let after = BEFORE_ALL; ; ) {
      const blocks = await this.database.query<{ firstUserId: string; heads: Buffer; hash: Buffer }>(blocksAfter, [
        rootId,
        after,
        BLOCKS_PER_STEP,
      ]);
      const last = blocks.at(-1);
      if (!last) return;
      after = last.firstUserId;
      yield blocks;
    }
  }
}
