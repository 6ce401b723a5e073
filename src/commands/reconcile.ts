import '../supported-node.js';
import { describeFailure } from '../services/describe-failure.js';
import { describeMoved } from '../services/reconciliation/moved-totals.js';
import { explainStartFault } from '../start-fault.js';
import { withHouse } from '../with-house.js';

/** `npm run reconcile`: one comparison with Stripe. Ends with 1 when differences are left, with 2 when it could not be done. */
function main(): Promise<number> {
  return withHouse(async (house) => {
    const run = await house.services.reconciliation.run();
    const findings = await house.services.reconciliations.findingsOf([run.id]);
    for (const { kind, repaired, stripeId, orderId, userId, detail } of findings) {
      const about = Object.entries({ stripe: stripeId, order: orderId, viewer: userId }).flatMap(([name, id]) =>
        id ? `${name} ${id}` : [],
      );
      console.log(`${repaired ? 'repaired' : 'OPEN    '} ${kind} (${about.join(', ')}): ${detail}`);
    }
    console.log(
      `${run.objectsChecked} objects compared, ${run.eventsReplayed} missed events replayed, ` +
        `${run.findingsCount} differences, ${run.openFindingsCount} of them left; ${describeMoved(run.moved)}.`,
    );
    return run.openFindingsCount > 0 ? 1 : 0;
  });
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(explainStartFault(error, `Reconciliation failed: ${describeFailure(error)}`));
    process.exit(2);
  },
);
