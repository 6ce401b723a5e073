import '../runtime/supported-node.js';
import { parseArgs } from 'node:util';
import { runCheck } from './run-check.js';

const { values } = parseArgs({ options: { 'from-snapshots': { type: 'boolean', default: false } } });

/**
 * `npm run verify-ledger [-- --from-snapshots]`: recomputes the ledger, by default from its first transaction. Exits with 1 if there are
 * discrepancies, and with 2 if it failed.
 */
runCheck('The ledger could not be verified', async (app) => {
  const { balancesChecked, transactionsChecked, discrepancies } = await app.services.verifyLedger({
    fromSnapshots: values['from-snapshots'],
  });
  for (const { userId, rule, expected, found } of discrepancies) {
    console.log(`${rule} (${userId ? `viewer ${userId}` : 'no viewer'}): expected ${expected}, found ${found}`);
  }
  console.log(
    `${balancesChecked} balances and ${transactionsChecked} transactions checked, ${discrepancies.length} discrepancies.`,
  );
  return discrepancies.length > 0 ? 1 : 0;
});
