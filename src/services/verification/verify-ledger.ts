import type { Database } from '../../stores/database.js';
import { BEFORE_ALL, pageViewers } from './page-viewers.js';
import type { LedgerDiscrepancy } from './rule.js';
import { catalogueRules, pageVersions } from './verify-catalogue.js';
import { verifyAccounts } from './verify-rules.js';
import { verifyViewers } from './verify-viewers.js';

export interface VerificationReport {
  readonly viewersChecked: number;
  readonly transactionsChecked: number;
  /** At most 1000; empty when everything adds up. */
  readonly discrepancies: readonly LedgerDiscrepancy[];
  /** False when `signal` stopped it before the end. */
  readonly finished: boolean;
}

export interface VerifyOptions {
  /** Only this viewer; without the rules that are not about one viewer. */
  readonly userId?: string;
  /** How many connections verify at once. Default: 1. */
  readonly jobs?: number;
  /** Stops it after the current batches. */
  readonly signal?: AbortSignal;
  /** Called after each batch. */
  readonly onProgress?: (progress: { readonly viewersChecked: number; readonly transactionsChecked: number }) => void;
}

export const MAX_DISCREPANCIES = 1000;
/** Bounds memory and the length of a transaction, however many viewers there are. */
export const VIEWERS_PER_BATCH = 500;
const VERSIONS_PER_BATCH = 50;

/**
 * Recomputes everything from the rows and reports what does not add up. Each batch of viewers is read in a short transaction of its own,
 * so it may run while the product does.
 */
export async function verifyLedger(database: Database, options: VerifyOptions = {}): Promise<VerificationReport> {
  const { userId, jobs = 1, signal, onProgress } = options;
  const discrepancies: LedgerDiscrepancy[] = [];
  const counts = { viewersChecked: 0, transactionsChecked: 0 };
  const add = (found: readonly LedgerDiscrepancy[]) =>
    discrepancies.push(...found.slice(0, MAX_DISCREPANCIES - discrepancies.length));
  const next = userId === undefined ? pages(database) : once([userId]);
  const work = async () => {
    for (let ids = await next(); ids.length > 0 && !signal?.aborted; ids = await next()) {
      const { viewers, discrepancies: found } = await verifyViewers(database, ids);
      counts.viewersChecked += viewers.length;
      for (const { transactions } of viewers) counts.transactionsChecked += transactions;
      add(found);
      onProgress?.(counts);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  const finished = !signal?.aborted;
  if (finished && userId === undefined) {
    add(await verifyCatalogue(database));
    add(await database.transaction((tx) => tx.query<LedgerDiscrepancy>(verifyAccounts), { unlimited: true }));
  }
  return { ...counts, discrepancies, finished };
}

/** What does not add up of what is sold. */
export async function verifyCatalogue(database: Database): Promise<LedgerDiscrepancy[]> {
  const discrepancies: LedgerDiscrepancy[] = [];
  for (let after = BEFORE_ALL; ; ) {
    const versions = await database.query<{ id: string }>(pageVersions, [after, VERSIONS_PER_BATCH]);
    const last = versions.at(-1);
    if (!last) return discrepancies;
    after = last.id;
    for (const rule of catalogueRules) {
      discrepancies.push(...(await database.query<LedgerDiscrepancy>(rule, [versions.map(({ id }) => id)])));
    }
    discrepancies.splice(MAX_DISCREPANCIES);
  }
}

/** Returns the ids of the next viewers at each call, one call after the other; none after the last. */
function pages(database: Database): () => Promise<string[]> {
  let after = BEFORE_ALL;
  let turn: Promise<unknown> = Promise.resolve();
  const read = async () => {
    const page = await database.query<{ userId: string }>(pageViewers, [after, VIEWERS_PER_BATCH]);
    after = page.at(-1)?.userId ?? after;
    return page.map(({ userId }) => userId);
  };
  return () => {
    const page = turn.then(read);
    turn = page.catch(() => undefined);
    return page;
  };
}

function once(ids: string[]): () => Promise<string[]> {
  const left = [ids];
  return async () => left.pop() ?? [];
}
