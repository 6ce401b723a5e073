import type { Balance } from '../../entities/balance.js';
import type { Grant, GrantStatus } from '../../entities/grant.js';
import type { CounterAccount, TransactionKind } from '../../entities/transaction.js';
import type { Queryable } from '../../stores/database.js';
import { currencyMismatch, insufficientFunds } from '../errors.js';
import { newId } from '../ids.js';
import type { JoinedTransaction } from './joined-transaction.js';
import { MAX_ENTRIES, type Subject, writeEntries } from './journal.js';
import type { NewGrant } from './new-grant.js';
import * as statements from './statements.js';

/** The owner of the balance to change, and its currency. A viewer without a balance gets an empty one in that currency. */
export interface Viewer {
  readonly userId: string;
  readonly currency: string;
}

/** A movement to post: positive into the balance, negative out of it. */
export interface Movement {
  /** Of the transaction; a new one unless given. */
  readonly id?: string;
  readonly kind: TransactionKind;
  readonly amount: number;
  readonly counterAccount: CounterAccount;
  readonly orderId?: string | null;
  readonly grantId?: string | null;
  readonly refundId?: string | null;
  readonly disputeId?: string | null;
  readonly stripePaymentIntentId?: string | null;
  /** Of the audit entry's text, for what an admin does. */
  readonly textDigest?: Buffer | null;
  readonly actorId?: string | null;
}

/** What a movement did to the balance: it rose by `amount`, or fell if that is negative. */
export interface Moved {
  readonly kind: TransactionKind;
  readonly amount: number;
  readonly currency: string;
}

/** Why a grant ended early, as the digest of the audit entry's text, and who ended it. */
export interface GrantEnding {
  readonly textDigest?: Buffer | null;
  readonly actorId?: string | null;
}

/**
 * One change of one viewer, inside a transaction that holds the viewer's lock, so nothing else of the viewer changes meanwhile.
 * All money moves through its methods (and through purchase-from-balance.ts, which does the same in a single statement): each
 * is one statement, gives the balance its next version, and writes the journal entry of the movement or hold. The code that writes a
 * grant, order, refund or dispute calls `changed`: each of them gets one entry, with its final state, at the end of the unit. Only
 * `ledger.change` and `ledger.once` open one.
 */
export class Unit {
  /** What the movements of this unit did, in order. */
  readonly moved: Moved[] = [];
  /** The subjects that changed, by id, in the order in which they first did. */
  private readonly subjects = new Map<string, Subject>();
  private actorId: string | null = null;

  private constructor(
    private readonly joined: JoinedTransaction,
    private state: Balance,
    /** The timestamp of the whole change. */
    readonly now: Date,
  ) {}

  /**
   * Locks the viewer's balance. The viewer's lock is always the first lock of a change.
   *
   * @throws CURRENCY_MISMATCH
   */
  static async lock(joined: JoinedTransaction, viewer: Viewer, now: Date): Promise<Unit> {
    const { tx } = joined;
    tx.takePlace?.(viewer.userId);
    let [state] = await tx.query<Balance>(statements.lockBalance, [viewer.userId]);
    if (!state) {
      await tx.query(statements.createBalance, [viewer.userId, viewer.currency, now]);
      [state] = await tx.query<Balance>(statements.lockBalance, [viewer.userId]);
    }
    if (!state) throw new Error('a balance that was just created is gone');
    if (state.currency !== viewer.currency) throw currencyMismatch(state.currency);
    return new Unit(joined, state, now);
  }

  /** For reads and writes of other tables in the same transaction. */
  get tx(): Queryable {
    return this.joined.tx;
  }

  /** The balance after the last posting. */
  get balance(): Balance {
    return this.state;
  }

  /** What can be spent: posted − held. Below zero only after a dispute, a refund made at Stripe or an abandoned payout that succeeded. */
  get available(): number {
    return this.state.posted - this.state.held;
  }

  /** Schedules work for after the commit; it must not throw. */
  afterCommit(task: () => void): void {
    this.joined.afterCommit(task);
  }

  /** Records what an operator must look at. Read only by a caller that joined the unit to its own transaction. */
  report(problem: string): void {
    this.joined.report(problem);
  }

  /** Posts a movement; returns the transaction's id. The database rejects what would overdraw the balance. */
  async post(movement: Movement): Promise<string> {
    const { id = newId() } = movement;
    const values = [this.state.userId, this.now, movement.amount, 0, id, ...movementValues(movement)];
    await this.apply(statements.postMovement, values, movement.kind);
    return id;
  }

  /** Issues a grant together with the SPENDING of `amount` that pays for it: neither exists without the other. */
  async issueGrant(grant: NewGrant, amount: number): Promise<void> {
    await this.apply(statements.postSpending, [this.state.userId, this.now, amount, ...spendingValues(grant)], 'SPENDING');
    this.changed('GRANT', grant.id);
  }

  /** Ends a grant and returns the ended grant. */
  async endGrant(grantId: string, status: Exclude<GrantStatus, 'ACTIVE' | 'SUSPENDED'>, why: GrantEnding = {}): Promise<Grant> {
    const values = [grantId, status, this.now, why.textDigest ?? null, why.actorId ?? null];
    const [grant] = await this.tx.query<Grant>(statements.endGrant, values);
    if (!grant) throw new Error(`grant ${grantId} is gone`);
    this.changed('GRANT', grantId, why.actorId ?? null);
    return grant;
  }

  /** Notes that a row of the viewer was written in this unit, by an admin or not. */
  changed(subject: Subject, id: string, actorId: string | null = null): void {
    this.subjects.set(id, subject);
    this.actorId ??= actorId;
  }

  /** Writes the journal entries of the subjects that changed, as they are now. Called by the ledger when the work is done. */
  async writeJournal(): Promise<void> {
    const changed = [...this.subjects];
    for (let start = 0; start < changed.length; start += MAX_ENTRIES) {
      const part = changed.slice(start, start + MAX_ENTRIES);
      const ids = part.map(([id]) => id);
      await this.apply(writeEntries(part.map(([, subject]) => subject)), [this.state.userId, this.now, this.actorId, ...ids]);
    }
    this.subjects.clear();
  }

  /**
   * Reserves `amount` for a payout.
   *
   * @throws INSUFFICIENT_FUNDS
   */
  async hold(refundId: string, amount: number, expiresAt: Date): Promise<void> {
    if (this.available < amount) throw insufficientFunds(amount - this.available, this.state.currency);
    await this.apply(statements.placeHold, [this.state.userId, this.now, amount, newId(), refundId, expiresAt]);
  }

  /** The payout succeeded: the hold ends and the money leaves the balance, in one statement. */
  async captureHold(refundId: string, movement: Movement): Promise<string> {
    const id = newId();
    const values = [this.state.userId, this.now, refundId, id, ...movementValues(movement)];
    await this.apply(statements.captureHold, values, movement.kind);
    return id;
  }

  /** The payout failed: the hold ends and the money can be spent again. */
  async releaseHold(refundId: string): Promise<void> {
    await this.apply(statements.releaseHold, [this.state.userId, this.now, refundId]);
  }

  /** `kind`: the kind of the movement that the statement posts, if any. */
  private async apply(statement: { name: string; text: string }, values: unknown[], kind?: TransactionKind): Promise<void> {
    const [state] = await this.tx.query<Balance>(statement, values);
    if (!state) throw new Error(`${statement.name} found nothing to change`);
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
  movement.textDigest ?? null,
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
