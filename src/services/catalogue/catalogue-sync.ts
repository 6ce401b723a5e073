import type { Stripe } from 'stripe';
import type { Clock } from '../../runtime/clock.js';
import { decideNextAttempt, type RetryRules } from '../../runtime/decide-next-attempt.js';
import { describeFailure } from '../../runtime/describe-failure.js';
import type { Database } from '../../stores/database.js';
import type { CatalogueCopier } from './catalogue-admin.js';
import {
  claimCopy,
  copyOnceMore,
  dueCopies,
  failCopy,
  finishCopy,
  releaseCopy,
  savePriceId,
  saveProductId,
} from './catalogue-sync-statements.js';
import { StripeCopy } from './stripe-copy.js';
import { readSubscriptionsByIds, readSubscriptionsByVersionIds, type SubscriptionAtVersion } from './subscription-rows.js';

/** Longer than a copy takes even when each call at Stripe is tried to the last; then it is taken for dead. */
const LEASE_MS = 5 * 60_000;
/** Changes made during a copy are copied too, in at most this many rounds; the rest is left to the job. */
const MAX_ROUNDS = 5;
/** Tried until it works: without the copy nobody can buy by card. */
const RETRY: RetryRules = { maxAttempts: Number.MAX_SAFE_INTEGER, backoffMs: 5_000, backoffMaximumMs: 60 * 60_000 };

export interface CatalogueSyncDependencies {
  readonly database: Database;
  readonly stripe: Stripe;
  readonly clock: Clock;
  readonly logger: { error(details: object, message: string): void };
  /** From 0 to 1; spreads retries. */
  readonly random?: () => number;
}

export type SyncOutcome = 'SYNCED' | 'FAILED' | 'NOT_DUE' | 'BUSY';

/**
 * Keeps product and prices at Stripe in line with the subscriptions: the change marks the copy as PENDING in its own
 * transaction, and the claimant (this process right after, or the job) copies the state as it is then.
 */
export class CatalogueSync implements CatalogueCopier {
  private readonly copy: StripeCopy;
  private readonly underWay = new Set<Promise<unknown>>();

  constructor(private readonly parts: CatalogueSyncDependencies) {
    this.copy = new StripeCopy(parts.stripe);
  }

  /** Copies one subscription when that is due. What goes wrong at Stripe is recorded and tried again later. */
  async synchronise(subscriptionId: string): Promise<SyncOutcome> {
    const { database, clock } = this.parts;
    const now = clock.now();
    const claimed = await database.query(claimCopy, [subscriptionId, now, new Date(now.getTime() + LEASE_MS)]);
    if (claimed.length === 0) return 'NOT_DUE';
    try {
      for (let round = 1; round <= MAX_ROUNDS; round++) {
        if (await this.copyOnce(subscriptionId)) return 'SYNCED';
      }
      await database.query(releaseCopy, [subscriptionId, clock.now()]);
      return 'BUSY';
    } catch (error) {
      await this.recordFailure(subscriptionId, error);
      return 'FAILED';
    }
  }

  /** Copies a subscription once more although nothing has changed here: something has at Stripe. */
  async copyAgain(subscriptionId: string): Promise<SyncOutcome> {
    await this.parts.database.query(copyOnceMore, [subscriptionId, this.parts.clock.now()]);
    return this.synchronise(subscriptionId);
  }

  /** As `synchronise`, without waiting and without throwing; see `settled`. */
  synchroniseInBackground(subscriptionId: string): void {
    const work = this.synchronise(subscriptionId)
      .catch((error: unknown) =>
        this.parts.logger.error({ reason: describeFailure(error), subscriptionId }, 'a subscription was not copied to Stripe'),
      )
      .finally(() => this.underWay.delete(work));
    this.underWay.add(work);
  }

  /** When all that was begun in the background has ended: for shutting down in order. */
  async settled(): Promise<void> {
    while (this.underWay.size > 0) await Promise.all(this.underWay);
  }

  /** Copies up to `limit` subscriptions that are due, one after the other; returns how many it tried. */
  async repairDue(limit: number): Promise<number> {
    const rows = await this.parts.database.query<{ id: string }>(dueCopies, [this.parts.clock.now(), limit]);
    for (const { id } of rows) await this.synchronise(id);
    return rows.length;
  }

  /**
   * The price of a version at Stripe, created if there is none, also for a version that is no longer sold. `missingPriceId`: one that
   * Stripe does not have. @throws Stripe's errors
   */
  async ensurePrice(versionId: string, missingPriceId?: string): Promise<string> {
    const [row] = await readSubscriptionsByVersionIds(this.parts.database, [versionId]);
    if (!row) throw new Error(`there is no subscription version ${versionId}`);
    if (row.stripePriceId !== null && row.stripePriceId !== missingPriceId) return row.stripePriceId;
    const productId = (missingPriceId ? null : row.stripeProductId) ?? (await this.saveProduct(row));
    return this.savePrice(row, productId);
  }

  /** Copies the subscription's current state. Returns false if it has changed in the meantime. */
  private async copyOnce(subscriptionId: string): Promise<boolean> {
    const { database, clock } = this.parts;
    const [row] = await readSubscriptionsByIds(database, [subscriptionId]);
    if (!row) throw new Error(`there is no subscription ${subscriptionId}`);
    const productId = await this.saveProduct(row);
    const priceId = row.status === 'ACTIVE' ? await this.savePrice(row, productId) : null;
    await this.copy.archivePrices(productId, priceId);
    const finished = await database.query(finishCopy, [subscriptionId, row.updatedAt, clock.now()]);
    return finished.length > 0;
  }

  private async saveProduct(row: SubscriptionAtVersion): Promise<string> {
    const productId = await this.copy.saveProduct(row);
    await this.parts.database.query(saveProductId, [row.id, productId]);
    return productId;
  }

  private async savePrice(row: SubscriptionAtVersion, productId: string): Promise<string> {
    const priceId = await this.copy.savePrice(row, productId);
    await this.parts.database.query(savePriceId, [row.versionId, priceId]);
    return priceId;
  }

  private async recordFailure(subscriptionId: string, error: unknown): Promise<void> {
    const { database, clock, random = Math.random } = this.parts;
    const [row] = await readSubscriptionsByIds(database, [subscriptionId]);
    const attempts = (row?.stripeSyncAttempts ?? 0) + 1;
    const next = decideNextAttempt({ attempts, now: clock.now(), chance: random() }, RETRY);
    await database.query(failCopy, [subscriptionId, next, describeFailure(error)]);
  }
}
