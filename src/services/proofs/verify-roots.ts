import { type Queryable, statement } from '../../stores/database.js';
import type { LedgerDiscrepancy } from '../verification/rule.js';
import { headsAt } from './heads.js';
import { leavesOf, RunningRoot, rootOver, unpackHeads } from './merkle.js';
import { type HandedOutRoot, readRoots } from './read-roots.js';
import { isSigned } from './root-form.js';
import type { RootStore } from './root-store.js';

const MAX_DISCREPANCIES = 1_000;

/** $1..$3: viewers, the numbers of their entries, and the hashes that these must have. */
const changedHeads = statement('heads-that-changed')`
  select head.user_id as "userId", 'ROOT_COVERS_EACH_HEAD' as rule,
    'entry ' || head.sequence || ' with hash ' || encode(head.hash, 'hex') as expected,
    coalesce('hash ' || encode(journal.hash, 'hex'), 'no such entry') as found
  from unnest($1::uuid[], $2::int[], $3::bytea[]) as head (user_id, sequence, hash)
  left join journal on journal.user_id = head.user_id and journal.sequence = head.sequence
  where journal.hash is distinct from head.hash`;

export interface VerifyRootsOptions {
  /** Ed25519, SubjectPublicKeyInfo in base64: the only key that may have signed. Default: the key of each root. */
  readonly publicKey?: string | undefined;
}

export interface RootsReport {
  readonly rootsChecked: number;
  /** At most 1000; empty when the journals are those that the roots commit to. */
  readonly discrepancies: LedgerDiscrepancy[];
}

/**
 * Checks roots that were handed out against the journals as they are now: that each is signed, that each commits to the one before it,
 * and that each viewer's entry at its cut still has the hash that the root commits to. Together with the rule JOURNAL_IS_CHAINED of
 * `verifyLedger` this proves every entry up to there, even if the owner of the database has computed all hashes again. `text`: the file
 * with one root per line, or one JSON document. Memory is bounded, however many viewers there are.
 */
export class RootVerification {
  constructor(
    private readonly database: Queryable,
    private readonly store: RootStore,
  ) {}

  async verify(text: string, { publicKey }: VerifyRootsOptions = {}): Promise<RootsReport> {
    const { roots, faults } = readRoots(text);
    const discrepancies = faults.map((fault) => finding('ROOT_IS_SIGNED', 'a root', fault));
    discrepancies.push(...(await this.chain(roots)));
    for (const root of roots) {
      if (!isSigned(root)) discrepancies.push(finding('ROOT_IS_SIGNED', 'its own signature', `another at root ${root.root}`));
      else if (publicKey && root.publicKey !== publicKey)
        discrepancies.push(finding('ROOT_IS_SIGNED', `key ${publicKey}`, `key ${root.publicKey} at root ${root.root}`));
      else discrepancies.push(...(await this.heads(root)));
      discrepancies.splice(MAX_DISCREPANCIES);
    }
    return { rootsChecked: roots.length, discrepancies };
  }

  /** Each root of the file commits to the one before it, through those between them that only the database has. */
  private async chain(roots: readonly HandedOutRoot[]): Promise<LedgerDiscrepancy[]> {
    const previousOf = new Map((await this.store.links()).map(({ root, previousRoot }) => [root, previousRoot]));
    const missing = roots.filter(({ root }) => !previousOf.has(root));
    for (const { root, previousRoot } of roots) previousOf.set(root, previousRoot);
    const broken = roots.slice(1).filter(({ root }, index) => {
      const before = roots[index]?.root;
      let link: string | null | undefined = root;
      for (const seen = new Set<string>(); link && link !== before && !seen.has(link); link = previousOf.get(link))
        seen.add(link);
      return link !== before;
    });
    return [
      ...missing.map(({ root }) => finding('ROOTS_FORM_A_CHAIN', `root ${root} in the database`, 'no such root')),
      ...broken.map(({ root }) => finding('ROOTS_FORM_A_CHAIN', 'the previous root of the file', `another before root ${root}`)),
    ];
  }

  /** Compares with the stored heads, which name the viewer, where those are the ones that were signed; otherwise with all journals. */
  private async heads(root: HandedOutRoot): Promise<LedgerDiscrepancy[]> {
    const stored = await this.storedHeads(root);
    if (stored) return stored;
    const tree = new RunningRoot();
    let count = 0;
    for await (const blocks of headsAt(this.database, root.cut)) {
      for (const block of blocks) {
        tree.add(block.hash);
        count += block.count;
      }
    }
    const found = tree.root().toString('hex');
    if (found === root.headsRoot && count === root.heads) return [];
    return [finding('ROOT_COVERS_EACH_HEAD', `root ${root.root} of ${root.heads} journals`, `another root of ${count} journals`)];
  }

  /** Null if they are not kept any more, or not those of the root. */
  private async storedHeads(root: HandedOutRoot): Promise<LedgerDiscrepancy[] | null> {
    const tree = new RunningRoot();
    const changed: LedgerDiscrepancy[] = [];
    for await (const blocks of this.store.blocks(root.id)) {
      for (const { heads } of blocks) {
        tree.add(rootOver(leavesOf(heads)));
        const known = unpackHeads(heads);
        const columns = [known.map((head) => head.userId), known.map((head) => head.sequence), known.map((head) => head.hash)];
        changed.push(...(await this.database.query<LedgerDiscrepancy>(changedHeads, columns)));
        changed.splice(MAX_DISCREPANCIES);
      }
    }
    return tree.root().toString('hex') === root.headsRoot ? changed : null;
  }
}

const finding = (rule: string, expected: string, found: string): LedgerDiscrepancy => ({ userId: null, rule, expected, found });
