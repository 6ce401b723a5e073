import type { Balance } from '../../entities/balance.js';
import type { Transaction } from '../../entities/transaction.js';
import type { Clock } from '../../runtime/clock.js';
import type { Database } from '../../stores/database.js';
import type { Caller } from '../caller.js';
import { type BillingError, currencyMismatch, insufficientFunds, invalidInput, outOfBounds, refusalsAsData } from '../errors.js';
import { isUuid } from '../ids.js';
import { findTransaction } from './find-transaction.js';
import { findResult, hashInput, onceMoreOnSameKey, saveResult } from './idempotency.js';
import { inTransaction } from './in-transaction.js';
import { balanceFromAnswer } from './kept-balance.js';
import { checkReason } from './reason.js';
import { type ChangeNotifier, Wallet } from './wallet.js';

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
  /** Of one adjustment, either way, in minor units. */
  readonly largestAmount: number;
}

interface Answer {
  transactionId: string;
  balance: Balance;
}

/** Changes of a balance by an admin's hand, with who did it and why on record. */
export class Adjustments {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly notifier: ChangeNotifier,
    private readonly settings: AdjustmentSettings,
  ) {}

  /** Errors: INVALID_INPUT, AMOUNT_OUT_OF_BOUNDS, CURRENCY_MISMATCH, INSUFFICIENT_FUNDS (never below what is held), IDEMPOTENCY_CONFLICT. */
  async adjust(caller: Caller, input: AdjustBalanceInput): Promise<AdjustBalancePayload> {
    return refusalsAsData<AdjustBalancePayload>(async () => {
      if (caller.role !== 'ADMIN' || !caller.userId) throw new Error('only admins come here');
      if (!isUuid(input.userId)) throw invalidInput('The user id is not a UUID.', 'userId');
      if (input.amount === 0) throw invalidInput('An adjustment of 0 changes nothing.', 'amount');
      const actorId = caller.userId;
      const intent = { callerId: actorId, key: input.idempotencyKey, operation: 'adjustBalance', inputHash: hashInput(input) };
      // Before anything is asked of the settings, which may have changed since.
      const known = await findResult<Answer>(this.database, intent);
      if (known) return this.payloadOf(known);
      const { currency, largestAmount } = this.settings;
      if (input.currency !== currency) throw currencyMismatch(currency, ['input', 'currency']);
      if (Math.abs(input.amount) > largestAmount) {
        const bounds = { minimum: -largestAmount, maximum: largestAmount, currency };
        throw outOfBounds(`One adjustment moves at most ${largestAmount} minor units.`, bounds, 'input', 'amount');
      }
      const reason = checkReason(input.reason);
      const answer = await onceMoreOnSameKey(() =>
        inTransaction(this.database, {}, async (tx, afterCommit) => {
          const now = this.clock.now();
          const wallet = await Wallet.lock(tx, input, now, afterCommit, this.notifier);
          const earlier = await findResult<Answer>(tx, intent);
          if (earlier) return earlier;
          if (input.amount < 0 && wallet.available < -input.amount) {
            throw insufficientFunds(-input.amount - wallet.available, input.currency);
          }
          const movement = {
            kind: 'ADJUSTMENT' as const,
            amount: input.amount,
            counterAccount: 'ADJUSTMENT' as const,
            reason,
            actorId,
          };
          const transactionId = await wallet.post(movement);
          const result: Answer = { transactionId, balance: wallet.balance };
          await saveResult(tx, intent, result, now);
          return result;
        }),
      );
      return this.payloadOf(answer);
    });
  }

  private async payloadOf({ transactionId, balance }: Answer): Promise<AdjustBalancePayload> {
    const transaction = await findTransaction(this.database, transactionId);
    return { ...(transaction ? { transaction } : {}), balance: balanceFromAnswer(balance), errors: [] };
  }
}
