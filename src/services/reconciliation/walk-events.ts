import type Stripe from 'stripe';
import type { StripeEventStatus } from '../../entities/stripe-event.js';
import { EVENT_TYPES } from '../stripe-events/accept-event.js';
import type { StripeInbox } from '../stripe-events/stripe-inbox.js';
import { createdIn, type Window } from './decide-windows.js';
import { chunksOf } from './walk-objects.js';

const CHUNK_COUNT = 100;
/** The states of stored events that have had no effect so far. */
const WITHOUT_EFFECT: readonly StripeEventStatus[] = ['RECEIVED', 'FAILED'];

export interface EventWalk {
  readonly stripe: Pick<Stripe, 'events'>;
  readonly inbox: Pick<StripeInbox, 'store' | 'stored' | 'process'>;
}

/** Stores and processes the missed events of a window, and retries those that had no effect. */
export async function walkEvents(
  { stripe, inbox }: EventWalk,
  window: Window,
): Promise<{ objectsChecked: number; eventsReplayed: number }> {
  let objectsChecked = 0;
  let eventsReplayed = 0;
  const list = stripe.events.list({ created: createdIn(window), types: [...EVENT_TYPES], limit: CHUNK_COUNT });
  for await (const chunk of chunksOf(list, CHUNK_COUNT)) {
    objectsChecked += chunk.length;
    const stored = await inbox.stored(chunk.map((event) => event.id));
    const known = new Map(stored.map((event) => [event.stripeId, event]));
    // Stripe lists the newest first. Starting with the oldest avoids some events waiting for others.
    for (const event of chunk.reverse()) {
      const stored = known.get(event.id) ?? (await inbox.store(event));
      if (!stored || !WITHOUT_EFFECT.includes(stored.status)) continue;
      if ((await inbox.process(stored.id, WITHOUT_EFFECT)) === 'PROCESSED') eventsReplayed++;
    }
  }
  return { objectsChecked, eventsReplayed };
}
