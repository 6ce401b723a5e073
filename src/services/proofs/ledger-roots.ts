import type { KeyObject } from 'node:crypto';
import type { LedgerRoot } from '../../entities/ledger-root.js';
import type { Clock } from '../../runtime/clock.js';
import { type Database, statement } from '../../stores/database.js';
import { newId } from '../ids.js';
import { type HandOutSettings, handOut } from './hand-out.js';
import { headsAt } from './heads.js';
import { RunningRoot } from './merkle.js';
import { ROOT_FORM, rootLine, signRoot } from './root-form.js';
import type { RootStore } from './root-store.js';

/** A run that finds an older root that was not handed out signs the next one besides handing that out. */
const RESUME_MS = 12 * 60 * 60 * 1_000;

/**
 * Everything below the cut is committed or rolled back. A position that this server has not reached was restored from another server's
 * dump: such an entry would be missing from each root until the server's transaction ids are as high.
 */
const readCut = statement('ledger-root-cut')`
  select pg_snapshot_xmin(snapshot)::text as cut, pg_snapshot_xmax(snapshot)::text as next,
    (select position from journal order by position desc limit 1) >= pg_snapshot_xmax(snapshot) as foreign
  from pg_current_snapshot() snapshot`;

interface Cut {
  readonly cut: string;
  readonly next: string;
  /** Null for an empty journal. */
  readonly foreign: boolean | null;
}

export interface LedgerRootsDependencies {
  readonly database: Database;
  readonly clock: Clock;
  readonly store: RootStore;
  /** Ed25519. Null: no key is set, and no roots are signed. */
  readonly key: () => KeyObject | null;
  readonly settings: HandOutSettings & { readonly headsCount: number };
}

export interface RootRun {
  /** The root that was signed; null if an interrupted run's was handed out instead. */
  readonly signed: LedgerRoot | null;
  readonly handedOutCount: number;
}

/** Signs a root over all journals and hands it to the operator. */
export class LedgerRoots {
  constructor(private readonly dependencies: LedgerRootsDependencies) {}

  /**
   * Signs the next root, unless an interrupted run has just done so, and hands out all that were not. Null: no key is set. A run may be
   * killed at any moment and started again: a root counts as handed out only after it was.
   *
   * @throws the error of the command or file; the roots that are left are handed out by the next run
   */
  async run(signal: AbortSignal): Promise<RootRun | null> {
    const { clock, key, store, settings } = this.dependencies;
    const privateKey = key();
    if (!privateKey) return null;
    const waiting = await store.waiting();
    const last = waiting.at(-1);
    const resumes = last && clock.now().getTime() - last.signedAt.getTime() < RESUME_MS;
    const signed = resumes ? null : await this.signNext(privateKey, signal);
    const roots = signed ? [...waiting, signed] : waiting;
    for (const root of roots) {
      await handOut(rootLine(root), settings);
      await store.recordHandover(root.id, clock.now());
    }
    await store.keepHeadsOf(settings.headsCount);
    return { signed, handedOutCount: roots.length };
  }

  /** The heads are stored first, then their root: what an interrupted run has stored is deleted by a later one. */
  private async signNext(key: KeyObject, signal: AbortSignal): Promise<LedgerRoot> {
    const { database, clock, store } = this.dependencies;
    const cut = await this.cut();
    const previous = await store.last();
    const id = newId();
    const tree = new RunningRoot();
    let [heads, place] = [0, 0];
    for await (const blocks of headsAt(database, cut)) {
      signal.throwIfAborted();
      await store.insertHeads(id, place, blocks);
      place += blocks.length;
      for (const { count, hash } of blocks) {
        heads += count;
        tree.add(hash);
      }
    }
    const terms = { form: ROOT_FORM, previousRoot: previous?.root ?? null, cut, heads, signedAt: clock.now() };
    const root = { id, number: (previous?.number ?? 0) + 1, ...signRoot(key, tree.root(), terms) };
    await store.insert(root);
    return root;
  }

  private async cut(): Promise<string> {
    const [row] = await this.dependencies.database.query<Cut>(readCut);
    const { cut, next, foreign } = row as Cut;
    if (!foreign) return cut;
    throw new Error(`the journal has positions from ${next} on, of another Postgres server: see "Backups" in docs/operations.md`);
  }
}
