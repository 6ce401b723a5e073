import type { Database, Queryable } from '../../stores/database.js';
import { AfterCommit } from './after-commit.js';

/** The transaction of whoever calls, when it must also hold what they write (the inbox marks its event in it). */
export interface JoinedTransaction {
  readonly tx?: Queryable;
  readonly afterCommit?: AfterCommit;
  /** Takes what an operator must look at, for people: what was booked all the same, or never becomes money (REPORTED). */
  readonly report?: (problem: string) => void;
}

/** Runs `work` in the caller's transaction, or in one of its own whose after-commit tasks it then runs. */
export async function inTransaction<Result>(
  database: Database,
  joined: JoinedTransaction,
  work: (tx: Queryable, afterCommit: AfterCommit) => Promise<Result>,
): Promise<Result> {
  if (joined.tx && joined.afterCommit) return work(joined.tx, joined.afterCommit);
  let afterCommit = new AfterCommit();
  const result = await database.transaction((tx) => {
    afterCommit = new AfterCommit(); // a transaction that is run again begins with nothing to announce
    return work(tx, afterCommit);
  });
  afterCommit.run();
  return result;
}
