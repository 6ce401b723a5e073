import { LRUCache } from 'lru-cache';
import type { Offer } from '../purchases/offer.js';
import type { SubscriptionAtVersion } from './subscription-rows.js';

const MAX_COUNT = 1_000;
/** How long another node's change may go unseen; a sale checks the version again in its own transaction. */
const LIFETIME_MS = 2_000;

/** Saves purchases of the same subscription a read each. A change on this node is seen at once. */
export class OfferCache {
  private readonly offers = new LRUCache<string, Offer>({ max: MAX_COUNT, ttl: LIFETIME_MS });
  private changes = 0;

  constructor(private readonly read: (subscriptionId: string) => Promise<SubscriptionAtVersion | null>) {}

  async get(subscriptionId: string, fresh: boolean): Promise<Offer | null> {
    const kept = fresh ? undefined : this.offers.get(subscriptionId);
    if (kept) return kept;
    const changesBefore = this.changes;
    const row = await this.read(subscriptionId);
    if (!row) return null;
    const offer = offerOf(row);
    // What was read before a change that came meanwhile must not be kept after it.
    if (this.changes === changesBefore) this.offers.set(subscriptionId, offer);
    return offer;
  }

  forget(subscriptionId: string): void {
    this.changes += 1;
    this.offers.delete(subscriptionId);
  }
}

function offerOf(row: SubscriptionAtVersion): Offer {
  const { id, versionId, status, title, price, pricePerDay, durationDays, currency } = row;
  return { subscriptionId: id, versionId, status, title, price, pricePerDay, durationDays, currency };
}
