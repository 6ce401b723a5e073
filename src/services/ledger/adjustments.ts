import type { Balance } from '../../entities/balance.js';
import type { Transaction } from '../../entities/transaction.js';
import type { Queryable } from '../../stores/database.js';
import { recordAudit } from '../audit/audit.js';
import { type Caller, requireAdminId } from '../caller.js';
import { type BillingError, currencyMismatch, insufficientFunds, invalidInput, outOfBounds, refusalsAsData } from '../errors.js';
import { newId, parseId } from '../ids.js';
import { findTransaction } from './find-transaction.js';
import { requestOf } from './idempotency.js';
import { balanceFromAnswer } from './kept-balance.js';
import type { Ledger } from './ledger.js';
import { checkReason } from './reason.js';
import type { Viewer } from './unit.js';

export interface AdjustBalanceInput {
  userId: string;
  amount: number;
  currency: string;
  reason: string;
  idempotencyKey: string;
}

export interface AdjustBalancePayload {
  transaction?: Transaction;
  balance?: Balance;
  errors: BillingError[];
}

export interface AdjustmentSettings {
  readonly currency: string;
  /** The maximum of one adjustment in either direction, in minor units. */
  readonly maxAmount: number;
}

interface Answer {
  transactionId: string;
  balance: Balance;
}

/** An admin's corrections of a balance. Each records who made it and why. */
export class Adjustments {
  constructor(
    private readonly database: Queryable,
    private readonly ledger: Ledger,
    private readonly settings: AdjustmentSettings,
  ) {}

  /**
   * Adds to a balance, or takes from it what is not held.
   *
   * @throws INVALID_INPUT, AMOUNT_OUT_OF_BOUNDS, CURRENCY_MISMATCH, INSUFFICIENT_FUNDS, IDEMPOTENCY_CONFLICT, as the payload's
   * errors
   */
  async adjust(caller: Caller, input: AdjustBalanceInput): Promise<AdjustBalancePayload> {
    return refusalsAsData<AdjustBalancePayload>(async () => {
      const actorId = requireAdminId(caller);
      const userId = parseId(input.userId);
      if (!userId) throw invalidInput('The user id is not a UUID.', 'userId');
      if (input.amount === 0) throw invalidInput('Enter an amount other than zero.', 'amount');
      // 1. Load
      const load = async () => this.checked(userId, input);
      const request = requestOf(caller, 'adjustBalance', input);
      const answer = await this.ledger.once(request, load, async (unit, { reason }): Promise<Answer> => {
        // 2. Decide
        const { amount, currency } = input;
        if (amount < 0 && unit.available < -amount) throw insufficientFunds(-amount - unit.available, currency);
        // 3. Write; the ledger commits and notifies
        const id = newId();
        const before = stateOf(unit.balance);
        const after = { ...before, posted: before.posted + amount };
        const audited = { action: 'adjustBalance', subjectId: id, userId, reason, before, after };
        const textDigest = await recordAudit(unit.tx, caller, audited, unit.now);
        await unit.post({ id, kind: 'ADJUSTMENT', amount, counterAccount: 'ADJUSTMENT', textDigest, actorId });
        return { transactionId: id, balance: unit.balance };
      });
      const transaction = await findTransaction(this.database, answer.transactionId);
      return { ...(transaction ? { transaction } : {}), balance: balanceFromAnswer(answer.balance), errors: [] };
    });
  }

  /** Checks the input against the settings, which may have changed since a key was first used. */
  private checked(userId: string, input: AdjustBalanceInput): Viewer & { readonly reason: string } {
    const { currency, maxAmount } = this.settings;
    if (input.currency !== currency) throw currencyMismatch(currency, ['input', 'currency']);
    if (Math.abs(input.amount) > maxAmount) {
      const bounds = { minimum: -maxAmount, maximum: maxAmount, currency };
      throw outOfBounds(`An adjustment can be at most ${maxAmount} minor units.`, bounds, 'input', 'amount');
    }
    return { userId, currency, reason: checkReason(input.reason) };
  }
}

const stateOf = ({ posted, held }: Balance) => ({ posted, held });
