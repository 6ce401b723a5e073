import { readConfig } from '../config.js';
import { openHouse } from '../house.js';
import { describeFailure } from '../services/describe-failure.js';
import { startEmbeddedPostgres } from '../stores/embedded-postgres.js';

/** `npm run verify-ledger`: recomputes the ledger. Ends with 1 when something does not add up, with 2 when it could not be done. */
async function main(): Promise<number> {
  const config = readConfig();
  const databaseUrl =
    config.databaseUrl ?? (await startEmbeddedPostgres({ dataDirectory: config.dataDirectory, share: true })).url;
  const house = await openHouse(config, databaseUrl);
  try {
    const { balancesChecked, transactionsChecked, discrepancies } = await house.services.verifyLedger();
    for (const { userId, rule, expected, found } of discrepancies) {
      console.log(`${rule} (${userId ? `viewer ${userId}` : 'the house'}): expected ${expected}, found ${found}`);
    }
    console.log(
      `${balancesChecked} balances and ${transactionsChecked} transactions checked, ${discrepancies.length} discrepancies.`,
    );
    return discrepancies.length > 0 ? 1 : 0;
  } finally {
    await house.close();
  }
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(`The ledger could not be verified: ${describeFailure(error)}`);
    process.exit(2);
  },
);
