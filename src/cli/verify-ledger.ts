import '../runtime/supported-node.js';
import { parseArgs } from 'node:util';
import { describeFailure } from '../runtime/describe-failure.js';
import { explainStartupError } from '../runtime/startup-error.js';
import { withApp } from './run-command.js';

/**
 * `npm run verify-ledger [-- --from-snapshots]`: recomputes the ledger, by default from its first transaction. Exits with 1 if there are
 * discrepancies, and with 2 if it failed.
 */
function main(): Promise<number> {
  const { values } = parseArgs({ options: { 'from-snapshots': { type: 'boolean', default: false } } });
  return withApp(async (app) => {
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
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(explainStartupError(error, `The ledger could not be verified: ${describeFailure(error)}`));
    process.exit(2);
  },
);
