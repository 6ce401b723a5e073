import '../runtime/supported-node.js';
import { describeFailure } from '../runtime/describe-failure.js';
import { explainStartupError } from '../runtime/startup-error.js';
import { describeMoved } from '../services/reconciliation/reconciliation-store.js';
import { withApp } from './run-command.js';

/** `npm run reconcile`: one reconciliation with Stripe. Exits with 1 if differences remain, and with 2 if it failed. */
function main(): Promise<number> {
  return withApp(async (app) => {
    const run = await app.services.reconciliation.run();
    const findings = await app.services.reconciliations.findingsOf([run.id]);
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
    console.error(explainStartupError(error, `Reconciliation failed: ${describeFailure(error)}`));
    process.exit(2);
  },
);
