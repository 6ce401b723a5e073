import type { Balance } from '../../entities/balance.js';
import type { Grant } from '../../entities/grant.js';
import type { Refund, RefundDestination } from '../../entities/refund.js';
import type { Transaction } from '../../entities/transaction.js';
import type { Clock } from '../../runtime/clock.js';
import { balanceColumns } from '../../stores/columns.js';
import { type Queryable, statement } from '../../stores/database.js';
import { stripeStep } from '../../stores/stripe-amounts.js';
import { recordAudit } from '../audit/audit.js';
import { type Caller, canAccess } from '../caller.js';
import { type BillingError, notFound, refusalsAsData } from '../errors.js';
import { parseId } from '../ids.js';
import { findTransaction } from '../ledger/find-transaction.js';
import { completeResult, type IdempotentRequest, requestOf } from '../ledger/idempotency.js';
import { balanceFromAnswer } from '../ledger/kept-balance.js';
import type { Ledger } from '../ledger/ledger.js';
import type { Unit } from '../ledger/unit.js';
import type { Money } from '../money.js';
import {
  decideGrantRefund,
  decideRefundable,
  decideTopUpRefund,
  grantLives,
  notRefundable,
  type RefundTerms,
  refusalOf,
} from './decide-refund.js';
import { PAYOUT_LEASE_MS, type Payout } from './payout.js';
import {
  findRefund,
  findRefundable,
  lockRefundable,
  readChargedBack,
  readLeftOnPayments,
  readWithLivingGrant,
  recordRefund,
} from './refund-rows.js';

export interface RefundGrantInput {
  grantId: string;
  destination?: RefundDestination | null;
  idempotencyKey: string;
}

export interface RefundTransactionInput {
  transactionId: string;
  amount?: number | null;
  idempotencyKey: string;
}

export interface RefundPayload {
  refund?: Refund;
  grant?: Grant | null;
  balance?: Balance;
  errors: BillingError[];
}

/** A quote for a refund requested now: the contract's RefundQuote. */
export type RefundQuote = Omit<RefundTerms, 'amount'> & { readonly amount: Money };

interface Answer {
  refundId: string;
  /** The balance of the first response; added when there is one. */
  balance?: Balance;
}

const readBalances = statement('refunds-read-balances')`select ${balanceColumns} from balances where user_id = any($1::uuid[])`;

/** Rules 5, 6 and 8: refunds of a grant's unused days and of top-ups, and the payouts to cards that follow. */
export class Refunds {
  constructor(
    private readonly database: Queryable,
    private readonly clock: Clock,
    private readonly ledger: Ledger,
    private readonly payout: Payout,
    /** After this, a payout that Stripe says it does not have is abandoned, and its hold released. */
    private readonly holdLifetimeMs: number,
  ) {}

  /**
   * Refunds the unused days of a grant and ends it. The money is refunded the way it was paid unless `destination` says
   * otherwise. On its way to a card it is held in the balance until Stripe confirms the refund.
   *
   * @throws NOT_FOUND, NOT_REFUNDABLE, INSUFFICIENT_FUNDS, IDEMPOTENCY_CONFLICT, as the payload's errors
   */
  async refundGrant(caller: Caller, input: RefundGrantInput): Promise<RefundPayload> {
    return refusalsAsData<RefundPayload>(async () => {
      const id = parseId(input.grantId);
      const found = id ? (await findRefundable(this.database, [id])).get(id)?.grant : null;
      if (!found || !canAccess(caller, found.userId)) throw notFound('grant', 'input', 'grantId');
      const request = requestOf(caller, 'refundGrant', input);
      const { refundId } = await this.ledger.once(request, found, async (unit): Promise<Answer> => {
        // 1. Load
        const facts = await lockRefundable(unit.tx, found.id);
        const { grant, available } = facts;
        // 2. Decide
        const decision = decideGrantRefund(facts, input.destination ?? null, unit.now, stripeStep(grant.currency));
        if ('refused' in decision) throw refusalOf(decision.refused, -available, grant.currency);
        // 3. Write
        const refundId = await this.writeGrantRefund(unit, grant, decision, caller);
        await auditRefund(unit, caller, 'refundGrant', grant.userId, refundId);
        return { refundId };
      });
      // 4. Pay out. If the process dies from here on, the resume-refunds job continues.
      return this.payAndAnswer(request, refundId);
    });
  }

  /**
   * Refunds a top-up to its card, fully or in part; also the payment of a purchase, once its grant has ended.
   *
   * @throws NOT_FOUND, NOT_REFUNDABLE, AMOUNT_OUT_OF_BOUNDS, INVALID_INPUT, INSUFFICIENT_FUNDS, IDEMPOTENCY_CONFLICT, as the
   * payload's errors
   */
  async refundTransaction(caller: Caller, input: RefundTransactionInput): Promise<RefundPayload> {
    return refusalsAsData<RefundPayload>(async () => {
      const id = parseId(input.transactionId);
      const topUp = id ? await findTransaction(this.database, id) : null;
      if (!topUp || !canAccess(caller, topUp.userId)) throw notFound('transaction', 'input', 'transactionId');
      if (topUp.kind !== 'TOP_UP') throw notRefundable('NOT_A_CARD_PAYMENT', 'transactionId');
      const orderId = topUp.orderId as string;
      const request = requestOf(caller, 'refundTransaction', input);
      const { refundId } = await this.ledger.once(request, topUp, async (unit): Promise<Answer> => {
        // 1. Load
        if ((await readChargedBack(unit.tx, [orderId])).has(orderId)) throw notRefundable('DISPUTED', 'transactionId');
        if ((await readWithLivingGrant(unit.tx, [orderId], unit.now)).has(orderId)) throw grantLives();
        const left = (await readLeftOnPayments(unit.tx, [orderId])).get(orderId) ?? 0;
        // 2. Decide
        const { currency } = topUp;
        const amount = decideTopUpRefund(input.amount ?? null, left, unit.available, currency, stripeStep(currency));
        // 3. Write
        const refundId = await this.writePayout(unit, topUp, amount, caller);
        await auditRefund(unit, caller, 'refundTransaction', topUp.userId, refundId);
        return { refundId };
      });
      // 4. Pay out. If the process dies from here on, the resume-refunds job continues.
      return this.payAndAnswer(request, refundId);
    });
  }

  /** A quote for refunding each grant now; null where nothing can be refunded. One statement for all. */
  async quotes(grants: readonly Grant[]): Promise<(RefundQuote | null)[]> {
    const refundable = await findRefundable(
      this.database,
      grants.map((grant) => grant.id),
    );
    const now = this.clock.now();
    return grants.map(({ id, currency }) => {
      const facts = refundable.get(id);
      const decision = facts && decideGrantRefund(facts, null, now, stripeStep(currency));
      return !decision || 'refused' in decision ? null : { ...decision, amount: { amount: decision.amount, currency } };
    });
  }

  /** How much of each top-up can be refunded now, in minor units; null for other kinds. Four statements for all. */
  async refundables(transactions: readonly Transaction[]): Promise<(number | null)[]> {
    const topUps = transactions.filter((transaction) => transaction.kind === 'TOP_UP');
    if (topUps.length === 0) return transactions.map(() => null);
    const orderIds = topUps.map((topUp) => topUp.orderId as string);
    const left = await readLeftOnPayments(this.database, orderIds);
    for (const chargedBack of await readChargedBack(this.database, orderIds)) left.set(chargedBack, 0);
    for (const living of await readWithLivingGrant(this.database, orderIds, this.clock.now())) left.set(living, 0);
    const balances = await this.database.query<Balance>(readBalances, [[...new Set(topUps.map((topUp) => topUp.userId))]]);
    const available = new Map(balances.map((balance) => [balance.userId, balance.posted - balance.held]));
    return transactions.map(({ kind, orderId, userId, currency }) =>
      kind === 'TOP_UP'
        ? decideRefundable(left.get(orderId as string) ?? 0, available.get(userId) ?? 0, stripeStep(currency))
        : null,
    );
  }

  private async writeGrantRefund(unit: Unit, grant: Grant, terms: RefundTerms, caller: Caller): Promise<string> {
    const { id: grantId, userId, currency } = grant;
    const toCard = terms.destination === 'CARD';
    const refund = await recordRefund(unit, {
      userId,
      origin: 'REQUEST',
      currency,
      status: toCard ? 'PENDING' : 'SUCCEEDED',
      ...terms,
      grantId,
      orderId: toCard ? grant.orderId : null,
      requestedBy: caller.userId,
      ...(toCard ? firstAttempt(unit.now) : {}),
    });
    await unit.endGrant(grantId, 'REFUNDED');
    const link = { refundId: refund.id, grantId, orderId: refund.orderId };
    await unit.post({ kind: 'REFUND', amount: refund.amount, counterAccount: 'REVENUE', ...link });
    if (toCard) await unit.hold(refund.id, refund.amount, this.holdExpiry(unit));
    return refund.id;
  }

  private async writePayout(unit: Unit, topUp: Transaction, amount: number, caller: Caller): Promise<string> {
    const { userId, currency, id: transactionId, orderId } = topUp;
    const refund = await recordRefund(unit, {
      userId,
      origin: 'REQUEST',
      destination: 'CARD',
      status: 'PENDING',
      amount,
      currency,
      transactionId,
      orderId,
      requestedBy: caller.userId,
      ...firstAttempt(unit.now),
    });
    await unit.hold(refund.id, amount, this.holdExpiry(unit));
    return refund.id;
  }

  private holdExpiry({ now }: Unit): Date {
    return new Date(now.getTime() + this.holdLifetimeMs);
  }

  /**
   * After the lease the job continues: it first checks whether Stripe has the refund, as Stripe drops idempotency keys
   * eventually.
   */
  private ownsPayoutLease({ status, attempts, stripeRefundId, lastError, nextAttemptAt }: Refund): boolean {
    const leased = nextAttemptAt !== null && nextAttemptAt > this.clock.now();
    return status === 'PENDING' && attempts === 1 && !stripeRefundId && !lastError && leased;
  }

  /** Rule 14: the current refund and grant, and the balance of the first response. */
  private async payAndAnswer(request: IdempotentRequest, refundId: string): Promise<RefundPayload> {
    let refund = await findRefund(this.database, refundId);
    if (!refund) throw new Error(`refund ${refundId} is gone`);
    if (this.ownsPayoutLease(refund)) refund = await this.payout.pay(refund);
    const [present] = await this.database.query<Balance>(readBalances, [[refund.userId]]);
    const { balance } = await completeResult(this.database, request, { balance: present as Balance });
    const { grantId } = refund;
    const grant = grantId ? ((await findRefundable(this.database, [grantId])).get(grantId)?.grant ?? null) : null;
    return { refund, grant, balance: balanceFromAnswer(balance), errors: [] };
  }
}

/** The request itself makes the first attempt; if it dies, the job continues after the lease. */
const firstAttempt = (now: Date) => ({ attempts: 1, nextAttemptAt: new Date(now.getTime() + PAYOUT_LEASE_MS) });

/** An admin's refund is audited; a viewer's own is not. */
async function auditRefund(unit: Unit, caller: Caller, action: string, userId: string, refundId: string): Promise<void> {
  if (caller.role !== 'ADMIN') return;
  await recordAudit(unit.tx, caller, { action, userId, subjectId: refundId }, unit.now);
  unit.changed('REFUND', refundId, caller.userId);
}
