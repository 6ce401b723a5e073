import '../runtime/supported-node.js';
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { App } from '../app.js';
import type { LedgerDiscrepancy } from '../services/verification/verify-ledger.js';
import { runCheck } from './run-check.js';

const { values } = parseArgs({
  options: {
    'from-snapshots': { type: 'boolean', default: false },
    root: { type: 'string' },
    'public-key': { type: 'string' },
  },
});

/**
 * `npm run verify-ledger [-- --from-snapshots] [-- --root FILE [--public-key KEY]]`: recomputes the ledger, by default from its first
 * transaction, and compares it with the roots that were handed out. Exits with 1 if there are discrepancies, and with 2 if it failed.
 */
runCheck('The ledger could not be verified', async (app) => {
  const { balancesChecked, transactionsChecked, discrepancies } = await app.services.verifyLedger({
    fromSnapshots: values['from-snapshots'],
  });
  print(discrepancies);
  console.log(
    `${balancesChecked} balances and ${transactionsChecked} transactions checked, ${discrepancies.length} discrepancies.`,
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
