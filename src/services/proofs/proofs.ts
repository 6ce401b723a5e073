import type { LedgerRoot } from '../../entities/ledger-root.js';
import type { Transaction } from '../../entities/transaction.js';
import { type Queryable, statement } from '../../stores/database.js';
import { firstEntryWhere } from '../ledger/find-entry.js';
import { type Head, leavesOf, type PathStep, pathFrom, treeOver, unpackHeads } from './merkle.js';
import { termsHash } from './root-form.js';
import type { RootStore } from './root-store.js';

export interface LedgerProof {
  /** The hash of the viewer's journal entry `sequence`, in hexadecimal. */
  readonly head: string;
  readonly sequence: number;
  /** Null when no root that was handed out has the viewer yet: the head is the current one then. */
  readonly root: LedgerRoot | null;
  /** From the head's leaf to the root: the side of each sibling (L or R), and its hash in hexadecimal. */
  readonly path: readonly string[];
}

const currentHeads = statement('current-heads')`
  select asked.user_id as "userId", head.sequence, head.hash from unnest($1::uuid[]) as asked (user_id)
  cross join lateral (select sequence, hash from journal where user_id = asked.user_id order by sequence desc limit 1) head`;

/** The first entry from a movement's version on: its own, or the genesis entry for one from before the journal was begun. */
const hashesOfTransactions = statement('hashes-of-transactions')`
  select encode(entry.hash, 'hex') as hash
  from unnest($1::uuid[], $2::int[]) with ordinality as asked (user_id, version, place)
  left join lateral ${firstEntryWhere('asked.user_id', 'entry.version >= asked.version')} own on true
  left join lateral (
    select hash from journal where user_id = asked.user_id and sequence >= own.number and version is not null
    order by sequence limit 1
  ) entry on true
  order by asked.place`;

const stepText = ({ side, hash }: PathStep): string => `${side}${hash.toString('hex')}`;

/** What proves to a viewer that their history is the one that a handed-out root commits to. */
export class Proofs {
  /** The tree over the blocks of the last root, which only changes with it. */
  private tree: { readonly rootId: string; readonly levels: Promise<Buffer[][]> } | null = null;

  constructor(
    private readonly database: Queryable,
    private readonly store: RootStore,
  ) {}

  /** Returns the proof of each viewer against the root that was handed out last, in the given order; null without a journal. */
  async ofViewers(userIds: readonly string[]): Promise<(LedgerProof | null)[]> {
    const root = await this.store.lastHandedOut();
    const proofs = new Map<string, LedgerProof>();
    if (root) await this.addProofs(root, userIds, proofs);
    const others = userIds.filter((userId) => !proofs.has(userId));
    if (others.length > 0) {
      const heads = await this.database.query<Head>(currentHeads, [others]);
      for (const { userId, sequence, hash } of heads)
        proofs.set(userId, { head: hash.toString('hex'), sequence, root: null, path: [] });
    }
    return userIds.map((userId) => proofs.get(userId) ?? null);
  }

  /** Returns the hash of the journal entry of each transaction, in hexadecimal, in the given order. */
  async hashesOf(transactions: readonly Pick<Transaction, 'userId' | 'version'>[]): Promise<(string | null)[]> {
    const values = [transactions.map(({ userId }) => userId), transactions.map(({ version }) => version)];
    const rows = await this.database.query<{ hash: string | null }>(hashesOfTransactions, values);
    return rows.map(({ hash }) => hash);
  }

  private async addProofs(root: LedgerRoot, userIds: readonly string[], proofs: Map<string, LedgerProof>): Promise<void> {
    const blocks = await this.store.blocksOf(root.id, userIds);
    const tree = blocks.length > 0 ? await this.treeOf(root.id) : [];
    for (const { userId, place, heads } of blocks) {
      const known = unpackHeads(heads);
      const index = known.findIndex((head) => head.userId === userId);
      const head = known[index];
      if (!head) continue;
      const steps = [...pathFrom(treeOver(leavesOf(heads)), index), ...pathFrom(tree, place)];
      const path = [...steps, { side: 'R' as const, hash: termsHash(root) }].map(stepText);
      proofs.set(userId, { head: head.hash.toString('hex'), sequence: head.sequence, root, path });
    }
  }

  private treeOf(rootId: string): Promise<Buffer[][]> {
    if (this.tree?.rootId === rootId) return this.tree.levels;
    const levels = this.store.blockHashes(rootId).then(treeOver);
    this.tree = { rootId, levels };
    levels.catch(() => {
      if (this.tree?.levels === levels) this.tree = null;
    });
    return levels;
  }
}
