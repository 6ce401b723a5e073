import { settleSession } from './pay-session.js';
import { failRefund } from './refund-charge.js';
import { expireAllDue } from './resources/checkout-sessions.js';
import type { ScheduledRow } from './store.js';
import { StripeFailure } from './stripe-error.js';
import type { World } from './world.js';

/** Does everything that is due by the sandbox's clock: expires sessions, settles delayed payments, fails refunds that fail later. */
export function sweep(world: World): void {
  const now = world.clock.nowSeconds();
  world.act(null, () => expireAllDue(world));
  const due = [...world.store.scheduled.rows()].filter((row) => row.dueAt !== null && row.dueAt <= now);
  for (const row of due) carryOut(world, row);
  world.store.prune();
}

function carryOut(world: World, row: ScheduledRow): void {
  const { store } = world;
  try {
    world.act(null, () => {
      if (row.kind === 'payment') settleSession(world, row.id, row.outcome);
      else failRefund(world, row.id, 'lost_or_stolen_card');
    });
  } catch (error) {
    if (!(error instanceof StripeFailure)) throw error;
    // It has been resolved in another way meanwhile: nothing is left to do, and it must not be retried forever.
    world.act(null, () => store.remove(store.scheduled, row.id));
  }
}
