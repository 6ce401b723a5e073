import type { Stripe } from 'stripe';
import type { Balance } from '../../entities/balance.js';
import type { Grant } from '../../entities/grant.js';
import type { Refund, RefundDestination } from '../../entities/refund.js';
import type { Transaction } from '../../entities/transaction.js';
import type { Clock } from '../../runtime/clock.js';
import { balanceColumns } from '../../stores/columns.js';
import type { Database, Queryable, Statement } from '../../stores/database.js';
import { stripeStep } from '../../stores/stripe-amounts.js';
import type { Caller } from '../caller.js';
import { type BillingError, notFound, notInSteps, refusalsAsData } from '../errors.js';
import { findGrant, lockGrant } from '../grants/find-grant.js';
import { isUuid } from '../ids.js';
import type { AfterCommit } from '../ledger/after-commit.js';
import { findTransaction } from '../ledger/find-transaction.js';
import {
  completeResult,
  findResult,
  hashInput,
  type IdempotentRequest,
  onceMoreOnSameKey,
  saveResult,
} from '../ledger/idempotency.js';
import { inTransaction, type JoinedTransaction } from '../ledger/in-transaction.js';
import { balanceFromAnswer } from '../ledger/kept-balance.js';
import { type ChangeNotifier, Wallet } from '../ledger/wallet.js';
import type { Money } from '../money.js';
import type { Applied } from '../stripe-events/payment-not-fulfilled-yet.js';
import { decideGrantRefund, decideRefundable, type RefundTerms } from './decide-refund.js';
import { findRefund, readChargedBack, readGrantFacts, readLeftOnPayments, readWithLivingGrant } from './find-refund.js';
import { PAYOUT_LEASE_MS, type Payout } from './payout.js';
import { endRefundedGrant, recordRefund } from './record-refund.js';
import { grantLives, moreThanIsLeft, notRefundable, refusalOf, shortOf } from './refusals.js';
import type { StripeRefunds } from './stripe-refunds.js';

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

/** What a refund asked for now would give: the contract's RefundQuote. */
export type RefundQuote = Omit<RefundTerms, 'amount'> & { readonly amount: Money };

interface Answer {
  refundId: string;
  /** As the first response had it; added when there is one. */
  balance?: Balance;
}

const readBalances: Statement = {
  name: 'refunds-read-balances',
  text: `select ${balanceColumns} from balances where user_id = any($1::uuid[])`,
};

/** Rules 5, 6 and 8: giving back a grant's unused days, giving back a top-up, and the payouts to cards that follow. */
export class Refunds {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly notifier: ChangeNotifier,
    private readonly payout: Payout,
    private readonly stripeRefunds: StripeRefunds,
    /** After this a payout that Stripe says it does not have is given up, and its hold released. */
    private readonly holdLifetimeMs: number,
  ) {}

  /** Ends the grant and gives back its unused days. Errors: NOT_FOUND, NOT_REFUNDABLE, INSUFFICIENT_FUNDS, IDEMPOTENCY_CONFLICT. */
  async refundGrant(caller: Caller, input: RefundGrantInput): Promise<RefundPayload> {
    return refusalsAsData<RefundPayload>(async () => {
      const grant = isUuid(input.grantId) ? await findGrant(this.database, input.grantId) : null;
      if (!grant || !canAccess(caller, grant.userId)) throw notFound('grant', 'input', 'grantId');
      const intent = intentOf(caller, 'refundGrant', input);
      const refundId = await this.once(intent, grant, (tx, wallet, now) =>
        this.refundUnusedDays(tx, wallet, grant.id, input, caller, now),
      );
      return this.payAndAnswer(intent, refundId);
    });
  }

  /**
   * Refunds a top-up to its card, in whole or in part; the payment of a purchase too, once its grant has ended. Errors: NOT_FOUND,
   * NOT_REFUNDABLE, AMOUNT_OUT_OF_BOUNDS, INSUFFICIENT_FUNDS, IDEMPOTENCY_CONFLICT.
   */
  async refundTransaction(caller: Caller, input: RefundTransactionInput): Promise<RefundPayload> {
    return refusalsAsData<RefundPayload>(async () => {
      const found = isUuid(input.transactionId) ? await findTransaction(this.database, input.transactionId) : null;
      if (!found || !canAccess(caller, found.userId)) throw notFound('transaction', 'input', 'transactionId');
      if (found.kind !== 'TOP_UP') throw notRefundable('NOT_A_CARD_PAYMENT', 'transactionId');
      const intent = intentOf(caller, 'refundTransaction', input);
      const refundId = await this.once(intent, found, (tx, wallet, now) => this.reserve(tx, wallet, found, input, caller, now));
      return this.payAndAnswer(intent, refundId);
    });
  }

  /** What a refund of each grant would give now; null where nothing can be refunded. One statement for all. */
  async quotes(grants: readonly Grant[]): Promise<(RefundQuote | null)[]> {
    const facts = await readGrantFacts(
      this.database,
      grants.map((grant) => grant.id),
    );
    const now = this.clock.now();
    return grants.map((grant) => {
      const found = facts.get(grant.id);
      const decision = found ? decideGrantRefund({ grant, ...found }, null, now, stripeStep(grant.currency)) : null;
      return !decision || 'refused' in decision
        ? null
        : { ...decision, amount: { amount: decision.amount, currency: grant.currency } };
    });
  }

  /** What of each top-up can be refunded now, in minor units; null for other kinds. Four statements for all. */
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

  /** What Stripe says of a refund; see StripeRefunds. */
  applyStripeRefund(stripeRefund: Stripe.Refund, joined: JoinedTransaction = {}): Promise<Applied> {
    return this.stripeRefunds.applyStripeRefund(stripeRefund, joined);
  }

  /** Goes on with payouts that a crash or Stripe's absence left; gives back how many. */
  resumeDue(limit: number, signal?: AbortSignal): Promise<number> {
    return this.payout.resumeDue(limit, signal);
  }

  /** Gives up payouts that Stripe does not have when their hold expires; gives back how many were looked at. */
  releaseStaleHolds(limit: number, signal?: AbortSignal): Promise<number> {
    return this.payout.releaseStaleHolds(limit, signal);
  }

  /** Locks the viewer, answers again for a used key, else does the work and keeps its answer: one transaction. */
  private once(
    intent: IdempotentRequest,
    viewer: { userId: string; currency: string },
    work: (tx: Queryable, wallet: Wallet, now: Date) => Promise<Refund>,
  ): Promise<string> {
    return onceMoreOnSameKey(() =>
      inTransaction(this.database, {}, async (tx, afterCommit: AfterCommit) => {
        const now = this.clock.now();
        const wallet = await Wallet.lock(tx, viewer, now, afterCommit, this.notifier);
        const earlier = await findResult<Answer>(tx, intent);
        if (earlier) return earlier.refundId;
        const refund = await work(tx, wallet, now);
        await saveResult(tx, intent, { refundId: refund.id } satisfies Answer, now);
        return refund.id;
      }),
    );
  }

  private async refundUnusedDays(
    tx: Queryable,
    wallet: Wallet,
    grantId: string,
    input: RefundGrantInput,
    caller: Caller,
    now: Date,
  ): Promise<Refund> {
    const grant = await lockGrant(tx, grantId);
    const facts = (await readGrantFacts(tx, [grantId])).get(grantId);
    if (!grant || !facts) throw new Error(`grant ${grantId} is gone`);
    const decision = decideGrantRefund({ grant, ...facts }, input.destination ?? null, now, stripeStep(grant.currency));
    if ('refused' in decision) throw refusalOf(decision.refused, -facts.available, grant.currency);
    const toCard = decision.destination === 'CARD';
    const refund = await recordRefund(
      tx,
      {
        userId: grant.userId,
        origin: 'REQUEST',
        currency: grant.currency,
        status: toCard ? 'PENDING' : 'SUCCEEDED',
        ...decision,
        grantId,
        orderId: toCard ? grant.orderId : null,
        requestedBy: caller.userId,
        ...(toCard ? this.firstAttempt(now) : {}),
      },
      now,
    );
    await endRefundedGrant(tx, grantId, now);
    const link = { refundId: refund.id, grantId, orderId: refund.orderId };
    await wallet.post({ kind: 'REFUND', amount: refund.amount, counterAccount: 'REVENUE', ...link, changesGrant: true });
    if (toCard) await wallet.hold(refund.id, refund.amount, new Date(now.getTime() + this.holdLifetimeMs));
    return refund;
  }

  private async reserve(
    tx: Queryable,
    wallet: Wallet,
    topUp: Transaction,
    input: RefundTransactionInput,
    caller: Caller,
    now: Date,
  ): Promise<Refund> {
    const orderId = topUp.orderId as string;
    if ((await readChargedBack(tx, [orderId])).has(orderId)) throw notRefundable('DISPUTED', 'transactionId');
    if ((await readWithLivingGrant(tx, [orderId], now)).has(orderId)) throw grantLives();
    const left = (await readLeftOnPayments(tx, [orderId])).get(orderId) ?? 0;
    const step = stripeStep(topUp.currency);
    if (left < step) throw notRefundable('ALREADY_REFUNDED', 'transactionId');
    const amount = input.amount ?? decideRefundable(left, wallet.available, step);
    if (input.amount != null && (amount < 1 || amount > left)) throw moreThanIsLeft(left, topUp.currency);
    if (amount % step !== 0) throw notInSteps(step, topUp.currency, 'amount');
    if (amount < 1 || amount > wallet.available) throw shortOf(Math.max(amount, step) - wallet.available, topUp.currency);
    const refund = await recordRefund(
      tx,
      {
        userId: topUp.userId,
        origin: 'REQUEST',
        destination: 'CARD',
        status: 'PENDING',
        amount,
        currency: topUp.currency,
        transactionId: topUp.id,
        orderId,
        requestedBy: caller.userId,
        ...this.firstAttempt(now),
      },
      now,
    );
    await wallet.hold(refund.id, amount, new Date(now.getTime() + this.holdLifetimeMs));
    return refund;
  }

  /** The request itself makes the first attempt; should it die, the job goes on after the lease. */
  private firstAttempt(now: Date) {
    return { attempts: 1, nextAttemptAt: new Date(now.getTime() + PAYOUT_LEASE_MS) };
  }

  /** Once the lease is over the job goes on, which first looks whether Stripe has the refund: its keys are forgotten in time. */
  private ownsPayoutLease({ status, attempts, stripeRefundId, lastError, nextAttemptAt }: Refund): boolean {
    const leased = nextAttemptAt !== null && nextAttemptAt > this.clock.now();
    return status === 'PENDING' && attempts === 1 && !stripeRefundId && !lastError && leased;
  }

  /** Rule 14: the refund and its grant as they are now; the balance as the first response had it. */
  private async payAndAnswer(intent: IdempotentRequest, refundId: string): Promise<RefundPayload> {
    let refund = await findRefund(this.database, refundId);
    if (!refund) throw new Error(`refund ${refundId} is gone`);
    if (this.ownsPayoutLease(refund)) refund = await this.payout.pay(refund);
    const [present] = await this.database.query<Balance>(readBalances, [[refund.userId]]);
    const { balance } = await completeResult(this.database, intent, { balance: present as Balance });
    const grant = refund.grantId ? await findGrant(this.database, refund.grantId) : null;
    return { refund, grant, balance: balanceFromAnswer(balance), errors: [] };
  }
}

const canAccess = (caller: Caller, userId: string) => caller.role === 'ADMIN' || caller.userId === userId;

function intentOf(caller: Caller, operation: string, input: { idempotencyKey: string }): IdempotentRequest {
  if (!caller.userId) throw new Error('money moves only for somebody');
  return { callerId: caller.userId, key: input.idempotencyKey, operation, inputHash: hashInput(input) };
}
