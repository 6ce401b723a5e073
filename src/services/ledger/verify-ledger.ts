import { singleFlight } from '../../runtime/concurrency.js';
import type { Database, Queryable, Statement } from '../../stores/database.js';
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
  /** At most 1000; empty when all adds up. */
  readonly discrepancies: LedgerDiscrepancy[];
  /** False when it was told to stop before the end. */
  readonly finished: boolean;
}

export interface VerifyOptions {
  /** Whether each balance begins at its last snapshot. */
  readonly fromSnapshots: boolean;
  /** Ends it after the step at hand. */
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

const MOST_DISCREPANCIES = 1000;
const BALANCES_A_STEP = 1000;
const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

/** One state of the database for the whole verification, however long it takes and whatever is bought meanwhile. */
const oneState: Statement = { name: 'verify-one-state', text: 'set transaction isolation level repeatable read read only' };

/**
 * Recomputes the ledger from its rows and says what does not add up. Goes through the viewers a thousand at a time, so that
 * memory stays bounded whatever the number of transactions. With `fromSnapshots` each balance begins at its last snapshot;
 * without, at its first transaction, and the accounts are summed as a whole too.
 */
export async function verifyLedger(database: Database, options: VerifyOptions): Promise<LedgerReport> {
  const verify = async (tx: Queryable): Promise<LedgerReport> => {
    await tx.query(oneState);
    const discrepancies: LedgerDiscrepancy[] = [];
    let balancesChecked = 0;
    let transactionsChecked = 0;
    for (let after = BEFORE_ALL; ; ) {
      if (options.signal?.aborted) return { balancesChecked, transactionsChecked, discrepancies, finished: false };
      const checks = await tx.query<BalanceCheck>(verifyBalances, [after, BALANCES_A_STEP, options.fromSnapshots]);
      const last = checks.at(-1);
      if (!last) break;
      after = last.userId;
      balancesChecked += checks.length;
      for (const check of checks) {
        transactionsChecked += check.transactions;
        discrepancies.push(...whatIsWrongWith(check));
      }
      const viewers = checks.map((check) => check.userId);
      for (const rule of ledgerRules) discrepancies.push(...(await tx.query<LedgerDiscrepancy>(rule, [viewers])));
      discrepancies.splice(MOST_DISCREPANCIES);
    }
    if (!options.fromSnapshots) discrepancies.push(...(await unbalancedAccounts(tx)));
    return { balancesChecked, transactionsChecked, discrepancies: discrepancies.slice(0, MOST_DISCREPANCIES), finished: true };
  };
  return database.transaction(verify, { unlimited: true });
}

/**
 * As `verifyLedger` from the snapshots, for all who ask while one is under way: it has no timeout, and however many ask, they
 * take one connection. The report is of the database as it was when that run began.
 */
export const shareVerification = (database: Database): (() => Promise<LedgerReport>) =>
  singleFlight(() => verifyLedger(database, { fromSnapshots: true }));

function whatIsWrongWith(check: BalanceCheck): LedgerDiscrepancy[] {
  const { userId } = check;
  const found: LedgerDiscrepancy[] = [];
  const say = (rule: string, expected: unknown, is: unknown) =>
    found.push({ userId, rule, expected: String(expected), found: String(is) });
  if (check.posted !== check.shouldBePosted) say('BALANCE_IS_SUM_OF_TRANSACTIONS', check.shouldBePosted, check.posted);
  if (check.broken > 0) say('TRANSACTIONS_FORM_A_CHAIN', 'each balanceAfter = the one before + amount', `${check.broken} broken`);
  if (check.version < check.lastVersion) say('VERSION_COVERS_ALL_TRANSACTIONS', `at least ${check.lastVersion}`, check.version);
  if (check.foreignCurrency > 0) say('ONE_BALANCE_ONE_CURRENCY', 0, `${check.foreignCurrency} transactions in another currency`);
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
