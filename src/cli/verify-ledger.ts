import '../runtime/supported-node.js';
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { App } from '../app.js';
import { parseId } from '../services/ids.js';
import type { LedgerDiscrepancy } from '../services/verification/rule.js';
import { runCheck } from './run-check.js';

const USAGE = 'Usage: npm run verify-ledger -- [--user <uuid>] [--jobs 4] [--root <file> [--public-key <key>]]';
/** Each takes a connection, of which there are DATABASE_POOL_COUNT. */
const MAX_JOBS = 64;
const PROGRESS_INTERVAL_MS = 1_000;

/** Reports invalid arguments and the usage, and exits. */
function refuse(message: string): never {
  console.error(`${message}\n${USAGE}`);
  process.exit(2);
}

function readArguments() {
  const options = {
    user: { type: 'string' },
    jobs: { type: 'string', default: '1' },
    root: { type: 'string' },
    'public-key': { type: 'string' },
  } as const;
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    return refuse((error as Error).message);
  }
}

const values = readArguments();
const userId = values.user === undefined ? undefined : (parseId(values.user) ?? refuse('--user must be a UUID.'));
const jobs = Number(values.jobs);
if (!Number.isInteger(jobs) || jobs < 1 || jobs > MAX_JOBS) refuse(`--jobs must be a whole number from 1 to ${MAX_JOBS}.`);

/**
 * `npm run verify-ledger [-- --user ID] [--jobs N] [--root FILE [--public-key KEY]]`: recomputes the ledger from its first movement, and
 * compares it with the roots that were handed out. Exits with 1 if there are discrepancies, and with 2 if it failed.
 */
runCheck('The ledger could not be verified', async (app) => {
  let reportedAtMs = performance.now();
  const { viewersChecked, transactionsChecked, discrepancies } = await app.services.verifyLedger({
    ...(userId !== undefined && { userId }),
    jobs,
    onProgress(progress) {
      if (performance.now() - reportedAtMs < PROGRESS_INTERVAL_MS) return;
      reportedAtMs = performance.now();
      console.error(`${progress.viewersChecked} viewers and ${progress.transactionsChecked} transactions so far`);
    },
  });
  print(discrepancies);
  console.log(
    `${viewersChecked} viewers and ${transactionsChecked} transactions checked, ${discrepancies.length} discrepancies.`,
  );
  const rootDiscrepanciesCount = values.root ? await verifyRoots(app, values.root, values['public-key']) : 0;
  return discrepancies.length + rootDiscrepanciesCount > 0 ? 1 : 0;
});

async function verifyRoots({ services }: App, file: string, publicKey: string | undefined): Promise<number> {
  const { rootsChecked, discrepancies } = await services.rootVerification.verify(await readFile(file, 'utf8'), { publicKey });
  print(discrepancies);
  console.log(`${rootsChecked} roots checked, ${discrepancies.length} discrepancies.`);
  return discrepancies.length;
}

function print(discrepancies: readonly LedgerDiscrepancy[]): void {
  for (const { userId, rule, expected, found } of discrepancies) {
    console.log(`${rule} (${userId ? `viewer ${userId}` : 'no viewer'}): expected ${expected}, found ${found}`);
  }
}
