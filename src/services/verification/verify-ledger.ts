import { singleFlight } from '../../runtime/concurrency.js';
import type { Database, Queryable, Statement } from '../../stores/database.js';
import { journalRules } from './verify-journal.js';
import { ledgerRules, verifyAccounts, verifyBalances } from './verify-rules.js';

export interface LedgerDiscrepancy {
  readonly userId: string | null;
  readonly rule: string;
  readonly expected: string;
  readonly found: string;
}

export interface LedgerReport {
  readonly balancesChecked: number;
  readonly transactionsChecked: number;
  /** At most 1000; empty when everything adds up. */
  readonly discrepancies: LedgerDiscrepancy[];
  /** False when `signal` stopped it before the end. */
  readonly finished: boolean;
}

export interface VerifyOptions {
  /** Whether each balance starts at its last snapshot. */
  readonly fromSnapshots: boolean;
  /** Stops it after the current step. */
  readonly signal?: AbortSignal;
}

interface BalanceCheck {
  userId: string;
  posted: number;
  version: number;
  shouldBePosted: number;
  transactions: number;
  lastVersion: number;
  broken: number;
  foreignCurrency: number;
}

const MAX_DISCREPANCIES = 1000;
const BALANCES_PER_STEP = 1000;
const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

/** One snapshot of the database for the whole verification, however long it takes and whatever is bought meanwhile. */
const oneState: Statement = { name: 'verify-one-state', text: 'set transaction isolation level repeatable read read only' };

/**
 * Recomputes the ledger from its rows and reports what does not add up. It reads the viewers a thousand at a time, so that
 * memory is bounded however many transactions there are. With `fromSnapshots`, each balance starts at its last snapshot;
 * without it, at its first transaction, and the accounts are also summed as a whole.
 */
export async function verifyLedger(database: Database, options: VerifyOptions): Promise<LedgerReport> {
  const verify = async (tx: Queryable): Promise<LedgerReport> => {
    await tx.query(oneState);
    const discrepancies: LedgerDiscrepancy[] = [];
    let balancesChecked = 0;
    let transactionsChecked = 0;
    for (let after = BEFORE_ALL; ; ) {
      if (options.signal?.aborted) return { balancesChecked, transactionsChecked, discrepancies, finished: false };
      const checks = await tx.query<BalanceCheck>(verifyBalances, [after, BALANCES_PER_STEP, options.fromSnapshots]);
      const last = checks.at(-1);
      if (!last) break;
      after = last.userId;
      balancesChecked += checks.length;
      for (const check of checks) {
        transactionsChecked += check.transactions;
        discrepancies.push(...discrepanciesIn(check));
      }
      const viewers = checks.map((check) => check.userId);
      for (const rule of [...ledgerRules, ...journalRules])
        discrepancies.push(...(await tx.query<LedgerDiscrepancy>(rule, [viewers])));
      discrepancies.splice(MAX_DISCREPANCIES);
    }
    if (!options.fromSnapshots) discrepancies.push(...(await unbalancedAccounts(tx)));
    return { balancesChecked, transactionsChecked, discrepancies: discrepancies.slice(0, MAX_DISCREPANCIES), finished: true };
  };
  return database.transaction(verify, { unlimited: true });
}

/**
 * `verifyLedger` from the snapshots, shared by all callers while a run is in progress: it has no timeout, and any number of
 * callers take one connection. The report describes the database as it was when that run began.
 */
export const shareVerification = (database: Database): (() => Promise<LedgerReport>) =>
  singleFlight(() => verifyLedger(database, { fromSnapshots: true }));

function discrepanciesIn(check: BalanceCheck): LedgerDiscrepancy[] {
  const { userId } = check;
  const found: LedgerDiscrepancy[] = [];
  const report = (rule: string, expected: unknown, is: unknown) =>
    found.push({ userId, rule, expected: String(expected), found: String(is) });
  if (check.posted !== check.shouldBePosted) report('BALANCE_IS_SUM_OF_TRANSACTIONS', check.shouldBePosted, check.posted);
  if (check.broken > 0)
    report('TRANSACTIONS_FORM_A_CHAIN', 'each balanceAfter = the one before + amount', `${check.broken} broken`);
  if (check.version < check.lastVersion)
    report('VERSION_COVERS_ALL_TRANSACTIONS', `at least ${check.lastVersion}`, check.version);
  if (check.foreignCurrency > 0)
    report('ONE_BALANCE_ONE_CURRENCY', 0, `${check.foreignCurrency} transactions in another currency`);
  return found;
}

async function unbalancedAccounts(tx: Queryable): Promise<LedgerDiscrepancy[]> {
  type Accounts = { currency: string; balances: number; counterAccounts: number };
  const accounts = await tx.query<Accounts>(verifyAccounts);
  return accounts
    .filter(({ balances, counterAccounts }) => balances + counterAccounts !== 0)
    .map(({ currency, balances, counterAccounts }) => ({
      userId: null,
      rule: 'ACCOUNTS_SUM_TO_ZERO',
      expected: `0 ${currency}`,
      found: `${balances + counterAccounts} ${currency}`,
    }));
}
