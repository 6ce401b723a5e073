import type { Balance } from '../../entities/balance.js';
import type { CounterAccount, TransactionKind } from '../../entities/transaction.js';
import type { Queryable } from '../../stores/database.js';
import { currencyMismatch, insufficientFunds } from '../errors.js';
import { newId } from '../ids.js';
import type { AfterCommit } from './after-commit.js';
import type { NewGrant } from './new-grant.js';
import * as statements from './statements.js';

/** One movement to be posted. Positive into the balance, negative out of it. */
export interface Movement {
  readonly kind: TransactionKind;
  readonly amount: number;
  readonly counterAccount: CounterAccount;
  readonly orderId?: string | null;
  readonly grantId?: string | null;
  readonly refundId?: string | null;
  readonly disputeId?: string | null;
  readonly stripePaymentIntentId?: string | null;
  readonly reason?: string | null;
  readonly actorId?: string | null;
  /** Whether the grant it names changes with it: followers of the viewer's grants hear of that, and of nothing else. */
  readonly changesGrant?: boolean;
}

/** Whom to tell that a viewer has live events up to a number, after the commit. */
export interface ChangeNotifier {
  notify(userId: string, sequence: number): void;
  /** For metrics: a movement was committed. A process that is killed right after the commit tells nothing of it. */
  balanceMoved?(movement: Moved): void;
}

/** What a movement did to the balance: more by `amount`, or less when it is negative. */
export interface Moved {
  readonly kind: TransactionKind;
  readonly amount: number;
  readonly currency: string;
}

/**
 * A viewer's balance inside a transaction that has locked it. All money moves through its methods (and through
 * purchase-from-balance.ts, which does the same in a single statement): each is one statement, gives the balance its next
 * version, and writes the live event of the change. While it is locked nothing else of the viewer changes.
 */
export class Wallet {
  private constructor(
    private readonly tx: Queryable,
    private state: Balance,
    private readonly now: Date,
  ) {}

  private readonly moved: Moved[] = [];

  /**
   * Locks the viewer's balance, making it at zero in `currency` when there is none, and has its live events announced
   * after the commit. The viewer's lock is always the first lock taken. Refuses with CURRENCY_MISMATCH.
   */
  static async lock(
    tx: Queryable,
    viewer: { userId: string; currency: string },
    now: Date,
    afterCommit: AfterCommit,
    notifier: ChangeNotifier,
  ): Promise<Wallet> {
    tx.takePlace?.(viewer.userId);
    let [state] = await tx.query<Balance>(statements.lockBalance, [viewer.userId]);
    if (!state) {
      await tx.query(statements.createBalance, [viewer.userId, viewer.currency, now]);
      [state] = await tx.query<Balance>(statements.lockBalance, [viewer.userId]);
    }
    if (!state) throw new Error('a balance that was just made is gone');
    if (state.currency !== viewer.currency) throw currencyMismatch(state.currency);
    const wallet = new Wallet(tx, state, now);
    const sequenceBefore = state.eventSequence;
    afterCommit.add(() => {
      const { userId, eventSequence } = wallet.state;
      // The wallet's own spelling of the id: subscribers are found by it, and a caller may have written it in capitals.
      if (eventSequence > sequenceBefore) notifier.notify(userId, eventSequence);
      for (const movement of wallet.moved) notifier.balanceMoved?.(movement);
    });
    return wallet;
  }

  /** The balance as the last posting left it. */
  get balance(): Balance {
    return this.state;
  }

  /** What can be spent: posted − held. Below zero only after a dispute or a refund made at Stripe. */
  get available(): number {
    return this.state.posted - this.state.held;
  }

  /** Posts one movement; gives back the transaction's id. The database refuses what would overdraw the balance. */
  async post(movement: Movement): Promise<string> {
    const id = newId();
    const changedGrantId = movement.changesGrant ? (movement.grantId ?? null) : null;
    const values = [this.state.userId, this.now, movement.amount, 0, id, ...movementValues(movement), changedGrantId];
    await this.apply(statements.postMovement, values, movement.kind);
    return id;
  }

  /** Posts the SPENDING of a grant together with the grant: neither exists without the other. */
  async postSpending(grant: NewGrant, amount: number): Promise<void> {
    await this.apply(statements.postSpending, [this.state.userId, this.now, amount, ...spendingValues(grant)], 'SPENDING');
  }

  /** Reserves `amount` for a payout. Refuses with INSUFFICIENT_FUNDS. */
  async hold(refundId: string, amount: number, expiresAt: Date): Promise<void> {
    if (this.available < amount) throw insufficientFunds(amount - this.available, this.state.currency);
    await this.apply(statements.placeHold, [this.state.userId, this.now, amount, newId(), refundId, expiresAt]);
  }

  /** The payout is done: the hold ends and the money leaves the balance, in one statement. */
  async captureHold(refundId: string, movement: Movement): Promise<string> {
    const id = newId();
    const values = [this.state.userId, this.now, refundId, id, ...movementValues(movement)];
    await this.apply(statements.captureHold, values, movement.kind);
    return id;
  }

  /** The payout will not be: the hold ends and the money can be spent again. */
  async releaseHold(refundId: string): Promise<void> {
    await this.apply(statements.releaseHold, [this.state.userId, this.now, refundId]);
  }

  /** Writes the live event of a grant's change that moved no money. */
  async grantChanged(grantId: string): Promise<void> {
    await this.apply(statements.grantChanged, [this.state.userId, this.now, grantId]);
  }

  /** `kind`: of the movement that the statement posts, if any. */
  private async apply(statement: { name: string; text: string }, values: unknown[], kind?: TransactionKind): Promise<void> {
    const [state] = await this.tx.query<Balance>(statement, values);
    if (!state) throw new Error(`${statement.name} found nothing to change: the hold is resolved already`);
    if (kind) this.moved.push({ kind, amount: state.posted - this.state.posted, currency: state.currency });
    this.state = state;
  }
}

const movementValues = (movement: Movement) => [
  movement.kind,
  movement.counterAccount,
  movement.orderId ?? null,
  movement.grantId ?? null,
  movement.refundId ?? null,
  movement.disputeId ?? null,
  movement.stripePaymentIntentId ?? null,
  movement.reason ?? null,
  movement.actorId ?? null,
];

const spendingValues = (grant: NewGrant) => [
  grant.spendingId,
  grant.id,
  grant.versionId,
  grant.paidWith,
  grant.pricePerDay,
  grant.durationDays,
  grant.grantedAt,
  grant.availableUntil,
  grant.orderId,
];
