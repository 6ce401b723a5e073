import type { Balance } from '../../entities/balance.js';
import type { Clock } from '../../runtime/clock.js';
import { brokenConstraint, type Database } from '../../stores/database.js';
import type { Hints } from '../../stores/hints.js';
import { expireGrantsDue } from './expire-grants.js';
import { findResult, type IdempotentRequest, saveResult } from './idempotency.js';
import { JoinedTransaction } from './joined-transaction.js';
import { type BalancePurchase, postPurchaseFromBalance } from './purchase-from-balance.js';
import { createBalance } from './statements.js';
import { type Moved, Unit, type Viewer } from './unit.js';

export interface LedgerDependencies {
  readonly database: Database;
  readonly clock: Clock;
  /** Notified after the commit with the number of the viewer's last journal entry. */
  readonly hints: Hints;
  /** Called with each committed movement, for metrics. A process that is killed right after the commit reports nothing. */
  readonly watch?: { moneyMoved(movement: Moved): void } | undefined;
}

/**
 * The only way to change what belongs to a viewer's money. `change` opens a transaction, takes the viewer's lock, runs the work,
 * commits and then notifies; `once` does so for an idempotent request. A transaction may be run again after a deadlock, so work must
 * touch nothing but its unit. Two writes need no unit, because each is a single statement: a purchase from the balance, and the expiry
 * of due grants.
 */
export class Ledger {
  constructor(private readonly parts: LedgerDependencies) {}

  /**
   * Runs `work` with the viewer locked, in its own transaction or in `joined`. Anything it throws rolls everything back.
   *
   * @throws CURRENCY_MISMATCH, and what `work` throws
   */
  async change<Result>(
    viewer: Viewer,
    work: (unit: Unit) => Promise<Result>,
    joined: JoinedTransaction | null = null,
  ): Promise<Result> {
    if (!joined) return this.open((own) => this.change(viewer, work, own));
    const unit = await Unit.lock(joined, viewer, this.parts.clock.now());
    const sequenceBefore = unit.balance.journalSequence;
    // The id as the balance spells it: subscribers are found by it, and a caller may have written it in capitals.
    joined.afterCommit(() => {
      const { userId, journalSequence } = unit.balance;
      if (journalSequence > sequenceBefore) this.parts.hints.announce(userId, journalSequence);
      for (const movement of unit.moved) this.parts.watch?.moneyMoved(movement);
    });
    const result = await work(unit);
    await unit.writeJournal();
    return result;
  }

  /**
   * Runs `work` as `change` does, but once per idempotency key: its result is stored as JSON in the same transaction, and a
   * used key gets the stored result. Nothing is stored of work that throws. `viewer` may be a function that loads what only a
   * new key needs, so that a replay does not depend on what has changed since, such as an offer or a setting.
   *
   * @throws IDEMPOTENCY_CONFLICT, CURRENCY_MISMATCH, and what `viewer` and `work` throw
   */
  async once<Result extends object, Loaded extends Viewer>(
    request: IdempotentRequest,
    viewer: Loaded | (() => Promise<Loaded>),
    work: (unit: Unit, loaded: Loaded) => Promise<Result>,
  ): Promise<Result> {
    if (typeof viewer === 'function') {
      const earlier = await findResult<Result>(this.parts.database, request);
      if (earlier) return earlier;
    }
    const loaded = typeof viewer === 'function' ? await viewer() : viewer;
    const outcome = await this.replayOr<Result, Result>(request, loaded, async (unit, save) => {
      const result = await work(unit, loaded);
      await save(result);
      return result;
    });
    return 'replay' in outcome ? outcome.replay : outcome.done;
  }

  /**
   * Like `once`, for work that stores a result only in some cases, by calling `save`. The return value says whether it is a
   * replay.
   *
   * @throws IDEMPOTENCY_CONFLICT, CURRENCY_MISMATCH, and what `work` throws
   */
  async replayOr<Result extends object, Done>(
    request: IdempotentRequest,
    viewer: Viewer,
    work: (unit: Unit, save: (result: Result) => Promise<void>) => Promise<Done>,
  ): Promise<{ readonly replay: Result } | { readonly done: Done }> {
    const attempt = () =>
      this.change(viewer, async (unit) => {
        const replay = await findResult<Result>(unit.tx, request);
        if (replay) return { replay };
        return { done: await work(unit, (result) => saveResult(unit.tx, request, result, unit.now)) };
      });
    try {
      return await attempt();
    } catch (error) {
      // Another request with the same key was faster. Ours has changed nothing, and the second attempt finds the stored result.
      if (brokenConstraint(error) !== 'idempotency_records_pkey') throw error;
      return attempt();
    }
  }

  /**
   * Opens a transaction for changes to join, where the viewers are only known inside it: a Stripe event is locked, applied and
   * marked in one transaction. Work for after the commit runs once, however many changes joined.
   */
  async open<Result>(work: (joined: JoinedTransaction) => Promise<Result>): Promise<Result> {
    const { joined, result } = await this.parts.database.transaction(async (tx) => {
      const joined = new JoinedTransaction(tx);
      return { joined, result: await work(joined) };
    });
    joined.committed();
    return result;
  }

  /**
   * Buys from the balance in one statement, which takes the lock, replaces the unit and writes the key's record, so that the
   * hottest write is one round trip. Deliberately not a `change`. Returns null when it was not possible, with nothing changed.
   */
  async purchaseFromBalance(purchase: BalancePurchase): Promise<Balance | null> {
    const { database, hints, watch } = this.parts;
    const balance = await postPurchaseFromBalance(database.forViewer(purchase.userId), purchase);
    if (!balance) return null;
    hints.announce(balance.userId, balance.journalSequence);
    watch?.moneyMoved({ kind: 'SPENDING', amount: -purchase.price, currency: balance.currency });
    return balance;
  }

  /** Expires up to `limit` due grants of any viewers in one statement, which moves no money; returns how many. */
  async expireGrantsDue(limit: number): Promise<number> {
    const { database, hints, clock } = this.parts;
    const expired = await expireGrantsDue(database, limit, clock.now());
    for (const { userId, sequence } of expired) hints.announce(userId, sequence);
    return expired.reduce((sum, viewer) => sum + viewer.grants, 0);
  }

  /** Creates an empty balance for the viewer, unless there is one. */
  async createBalance({ userId, currency }: Viewer): Promise<void> {
    const { database, clock } = this.parts;
    await database.forViewer(userId).query(createBalance, [userId, currency, clock.now()]);
  }
}
