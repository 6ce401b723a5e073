import '../runtime/supported-node.js';
import { describeMoved } from '../services/reconciliation/reconciliation-store.js';
import { runCheck } from './run-check.js';

/** `npm run reconcile`: one reconciliation with Stripe. Exits with 1 if differences remain, and with 2 if it failed. */
runCheck('Reconciliation failed', async (app) => {
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
