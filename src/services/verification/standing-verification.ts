import type { Clock } from '../../runtime/clock.js';
import type { Database } from '../../stores/database.js';
import type { LedgerDiscrepancy } from './rule.js';
import type { VerificationStore, ViewerPage } from './verification-store.js';
import { MAX_DISCREPANCIES, VIEWERS_PER_BATCH, verifyCatalogue } from './verify-ledger.js';
import { verifyViewers } from './verify-viewers.js';

/** What the verification job knows: viewers, and what is open. */
export interface Standing {
  readonly viewers: number;
  /** How many of them were verified within the length of a cycle. */
  readonly verified: number;
  readonly oldestVerifiedAt: Date | null;
  readonly openDiscrepancies: number;
}

export interface LedgerReport extends Standing {
  readonly cycleComplete: boolean;
  /** As `verified`. */
  readonly balancesChecked: number;
  readonly transactionsChecked: number;
  /** The open discrepancies, at most 1000. */
  readonly discrepancies: readonly LedgerDiscrepancy[];
}

export interface RoundResult extends Standing {
  readonly verifiedNow: number;
  /** False when viewers were last verified longer ago than a cycle may take: the budget is too small. */
  readonly inTime: boolean;
}

export interface StandingVerificationParts {
  readonly database: Database;
  readonly store: VerificationStore;
  readonly clock: Clock;
  readonly settings: {
    /** How long a round may take, in milliseconds. */
    readonly budgetMs: number;
    /** Within how many nights each viewer is verified. */
    readonly cycleNights: number;
    readonly viewersPerBatch?: number;
  };
  /** Milliseconds since an arbitrary instant; for the budget. */
  readonly nowMs?: () => number;
}

const DAY_MS = 24 * 60 * 60 * 1000;
/** Balances per statement that looks for changed ones. */
const BALANCES_PER_PAGE = 10_000;
/** Of the budget, for viewers that changed; the rest is for all others in turn, so that nobody is never verified. */
const SHARE_OF_CHANGED = 0.5;

/**
 * Verifies the ledger round by round, each within a budget, in transactions as short as a batch of viewers: first those that changed since
 * they were verified, then all others in turn. A discrepancy stays open until its viewer verifies again.
 */
export class StandingVerification {
  private readonly nowMs: () => number;

  constructor(private readonly parts: StandingVerificationParts) {
    this.nowMs = parts.nowMs ?? (() => performance.now());
  }

  /** One round. It may be interrupted anywhere, and two may run at once. */
  async run({ signal }: { signal?: AbortSignal } = {}): Promise<RoundResult> {
    const { database, store, clock, settings } = this.parts;
    const startedAt = clock.now();
    const startMs = this.nowMs();
    const mayContinue = (share: number) => !signal?.aborted && this.nowMs() - startMs < settings.budgetMs * share;
    const ofNobody = await verifyCatalogue(database);
    const changed = await this.verifyChanged(() => mayContinue(SHARE_OF_CHANGED));
    const inTurn = signal?.aborted ? 0 : await this.verifyInTurn(startedAt, () => mayContinue(1));
    const since = new Date(startedAt.getTime() - settings.cycleNights * DAY_MS);
    await store.saveTotals({ startedAt, since, ofNobody });
    const standing = await this.standing();
    const { oldestVerifiedAt } = standing;
    return { ...standing, verifiedNow: changed + inTurn, inTime: oldestVerifiedAt === null || oldestVerifiedAt >= since };
  }

  /** What the rounds so far have found. Does not verify anything itself. */
  async report(): Promise<LedgerReport> {
    const { store } = this.parts;
    const [state, standing, open] = await Promise.all([store.state(), this.standing(), store.open(MAX_DISCREPANCIES)]);
    return {
      ...standing,
      cycleComplete: standing.oldestVerifiedAt !== null && standing.verified === standing.viewers,
      balancesChecked: standing.verified,
      transactionsChecked: state.transactions,
      discrepancies: [...(state.discrepancies ?? []), ...open].slice(0, MAX_DISCREPANCIES),
    };
  }

  async standing(): Promise<Standing> {
    const { store } = this.parts;
    const [{ viewers, verified, oldestVerifiedAt, discrepancies }, open] = await Promise.all([store.state(), store.countOpen()]);
    return { viewers, verified, oldestVerifiedAt, openDiscrepancies: open + (discrepancies?.length ?? 0) };
  }

  /** Viewers that changed since they were verified, and those with open discrepancies; returns how many were verified. */
  private async verifyChanged(mayContinue: () => boolean): Promise<number> {
    const { store } = this.parts;
    let count = 0;
    let after: string | null = null;
    do {
      const { userIds, next }: ViewerPage = await store.changedAfter(after, BALANCES_PER_PAGE);
      for (let start = 0; start < userIds.length && mayContinue(); start += this.batchSize) {
        count += await this.verify(userIds.slice(start, start + this.batchSize));
      }
      after = next;
    } while (after !== null && mayContinue());
    return count;
  }

  /** All others, from where the last round stopped until everyone has had their turn; at least one batch. */
  private async verifyInTurn(startedAt: Date, mayContinue: () => boolean): Promise<number> {
    const { store } = this.parts;
    const { after: begin } = await store.state();
    let count = 0;
    let after = begin;
    let isRoundTheEnd = false;
    do {
      const { userIds, next }: ViewerPage = await store.dueAfter(after, this.batchSize, startedAt);
      if (userIds.length > 0) count += await this.verify(userIds);
      after = next;
      await store.saveProgress(after);
      if (after === null && (begin === null || isRoundTheEnd)) break;
      isRoundTheEnd ||= after === null;
    } while (mayContinue() && !(isRoundTheEnd && after !== null && begin !== null && after >= begin));
    return count;
  }

  private async verify(userIds: readonly string[]): Promise<number> {
    const { database, store, clock } = this.parts;
    const at = clock.now();
    const batch = await verifyViewers(database, userIds);
    await store.save(batch, at);
    return batch.viewers.length;
  }

  private get batchSize(): number {
    return this.parts.settings.viewersPerBatch ?? VIEWERS_PER_BATCH;
  }
}
