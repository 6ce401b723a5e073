import type Stripe from 'stripe';
import type { SyncOutcome } from '../catalogue/catalogue-sync.js';
import { comparePrice, type StripePrice } from './compare-price.js';
import { nullIfMissing } from './null-if-missing.js';
import type { OurRecords } from './our-records.js';
import { recheck } from './recheck.js';
import type { WalkResult } from './walk-objects.js';

const CHUNK_COUNT = 100;
/** Prices on sale at Stripe that are held in memory at most. */
const MAX_PRICES = 20_000;

export interface PriceWalk {
  readonly stripe: Pick<Stripe, 'prices'>;
  readonly records: OurRecords;
  /** Copies a subscription to Stripe once more, as it is now. */
  readonly copyAgain: (subscriptionId: string) => Promise<SyncOutcome>;
}

/** Compares the prices of all that is on sale now, whatever the window, and copies again what differs. */
export async function walkPrices({ stripe, records, copyAgain }: PriceWalk, result: WalkResult): Promise<void> {
  const active = new Map<string, StripePrice>();
  for await (const price of stripe.prices.list({ active: true, limit: CHUNK_COUNT, expand: ['data.product'] })) {
    active.set(price.id, price);
    if (active.size >= MAX_PRICES) break;
  }
  const lookUp = (id: string) => nullIfMissing(stripe.prices.retrieve(id, { expand: ['product'] }));
  for await (const ours of records.prices()) {
    result.objectsChecked++;
    const theirs = active.get(ours.stripePriceId) ?? (await lookUp(ours.stripePriceId));
    if (!comparePrice(theirs, ours)) continue;
    const finding = await recheck<string>({
      refetch: async () => ours.subscriptionId,
      compare: async (subscriptionId) => {
        const now = await records.price(subscriptionId);
        return now && comparePrice(await lookUp(now.stripePriceId), now);
      },
      repair: async (subscriptionId) => {
        if ((await copyAgain(subscriptionId)) === 'FAILED') throw new Error('it could not be copied to Stripe; the job goes on.');
      },
    });
    if (finding) result.findings.push(finding);
  }
}
