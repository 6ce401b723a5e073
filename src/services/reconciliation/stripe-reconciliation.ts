import type Stripe from 'stripe';
import type { StripeEventStatus } from '../../entities/stripe-event.js';
import type { Clock } from '../../runtime/clock.js';
import type { Database } from '../../stores/database.js';
import type { SyncOutcome } from '../catalogue/catalogue-sync.js';
import { EVENT_TYPES } from '../stripe-events/accept-event.js';
import type { StripeEffects } from '../stripe-events/process-event.js';
import type { StripeInbox } from '../stripe-events/stripe-inbox.js';
import { createdIn, decideWindows, type Window, type WindowRules } from './decide-windows.js';
import { OurRecords } from './our-records.js';
import { addTotals, type MovedTotal, type ReconciliationStore } from './reconciliation-store.js';
import { compareMovements, walkPayments } from './walk-movements.js';
import { chunksOf, type Finding, newWalkResult, ObjectWalk, type WalkResult, walkPrices } from './walk-objects.js';

export interface ReconciliationDependencies {
  readonly database: Database;
  readonly stripe: Stripe;
  readonly inbox: StripeInbox;
  readonly effects: StripeEffects;
  readonly store: ReconciliationStore;
  /** Copies a subscription to Stripe again. */
  readonly copyAgain: (subscriptionId: string) => Promise<SyncOutcome>;
  readonly clock: Clock;
  readonly settings: WindowRules;
}

export interface ReconciliationSummary {
  readonly id: string;
  readonly objectsChecked: number;
  readonly eventsReplayed: number;
  readonly findingsCount: number;
  /** Findings that were not repaired. */
  readonly openFindingsCount: number;
  /** What Stripe moved for our viewers in the compared period, and its fees, by currency. */
  readonly moved: readonly MovedTotal[];
  /** False if the run was stopped before the end; the next run continues from there. */
  readonly finished: boolean;
}

const CHUNK_COUNT = 100;
/** The states of stored events that have had no effect so far. */
const WITHOUT_EFFECT: readonly StripeEventStatus[] = ['RECEIVED', 'FAILED'];

/** Compares our records with Stripe, repairs what the rules allow and records the rest. Safe to run concurrently. */
export class StripeReconciliation {
  private readonly records: OurRecords;
  private readonly objects: ObjectWalk;

  constructor(private readonly dependencies: ReconciliationDependencies) {
    const { stripe, database, effects } = dependencies;
    this.records = new OurRecords(database);
    this.objects = new ObjectWalk(stripe, this.records, effects);
  }

  /**
   * Compares everything created at Stripe since the last run, plus an overlap.
   *
   * @throws Stripe's or the database's error; completed windows are kept
   */
  async run({ signal }: { signal?: AbortSignal } = {}): Promise<ReconciliationSummary> {
    const { store, clock, settings } = this.dependencies;
    const startedAt = clock.now();
    const windows = decideWindows(await store.comparedUntil(), startedAt, settings);
    const id = await store.start(startedAt);
    const totals = { objectsChecked: 0, eventsReplayed: 0, findingsCount: 0, openFindingsCount: 0 };
    let moved: readonly MovedTotal[] = [];
    const save = (found: readonly Finding[], comparedUntil: Date | null, finishedAt: Date | null) => {
      totals.findingsCount += found.length;
      totals.openFindingsCount += found.filter((finding) => !finding.repaired).length;
      return store.save(id, totals, found, comparedUntil, finishedAt);
    };
    for (const window of windows) {
      if (signal?.aborted) return { id, ...totals, moved, finished: false };
      const walked = await this.walk(window);
      totals.objectsChecked += walked.objectsChecked;
      totals.eventsReplayed += walked.eventsReplayed;
      moved = addTotals(moved, walked.moved);
      await save(walked.findings, window.until, null);
    }
    const prices = newWalkResult();
    const { stripe, copyAgain } = this.dependencies;
    await walkPrices({ stripe, records: this.records, copyAgain }, prices);
    totals.objectsChecked += prices.objectsChecked;
    await save(prices.findings, null, clock.now());
    return { id, ...totals, moved, finished: true };
  }

  /** Events come first, because they explain most differences. Sessions come next, because refunds and disputes need their payment. */
  private async walk(window: Window): Promise<WalkResult> {
    const { stripe } = this.dependencies;
    const result = newWalkResult();
    await this.catchUp(window, result);
    await this.objects.sessions(window, result);
    const movements = { stripe, records: this.records, objects: this.objects };
    const rest = await walkPayments(movements, window, result);
    await this.objects.refunds(window, result);
    await this.objects.disputes(window, result);
    await compareMovements(movements, rest, result);
    return result;
  }

  /** Stores and processes the missed events of a window, and retries those that had no effect. */
  private async catchUp(window: Window, result: WalkResult): Promise<void> {
    const { stripe, inbox } = this.dependencies;
    const list = stripe.events.list({ created: createdIn(window), types: [...EVENT_TYPES], limit: CHUNK_COUNT });
    for await (const chunk of chunksOf(list, CHUNK_COUNT)) {
      result.objectsChecked += chunk.length;
      const stored = await inbox.stored(chunk.map((event) => event.id));
      const known = new Map(stored.map((event) => [event.stripeId, event]));
      // Stripe lists the newest first. Starting with the oldest avoids some events waiting for others.
      for (const event of chunk.reverse()) {
        const one = known.get(event.id) ?? (await inbox.store(event));
        if (!one || !WITHOUT_EFFECT.includes(one.status)) continue;
        if ((await inbox.process(one.id, WITHOUT_EFFECT)) === 'PROCESSED') result.eventsReplayed++;
      }
    }
  }
}
