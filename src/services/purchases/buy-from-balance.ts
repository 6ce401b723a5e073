import type { Balance } from '../../entities/balance.js';
import type { Grant } from '../../entities/grant.js';
import type { Clock } from '../../runtime/clock.js';
import { brokenConstraint, type Queryable, statement } from '../../stores/database.js';
import { currencyMismatch, insufficientFunds, notFound, Refusal } from '../errors.js';
import { findGrant } from '../grants/grants.js';
import { newId } from '../ids.js';
import { findResult, type IdempotentRequest } from '../ledger/idempotency.js';
import type { Ledger } from '../ledger/ledger.js';
import type { NewGrant } from '../ledger/new-grant.js';
import { decideTerms } from './decide-order.js';
import type { Offer, Offers } from './offer.js';

export interface Bought {
  grant: Grant;
  balance: Balance;
}

const readBalance = statement('purchases-read-balance')`select currency, posted, held from balances where user_id = $1`;

/**
 * Rule 2: a purchase from the balance is normally one statement, deliberately not a `ledger.change`. When it changed nothing,
 * the possible reasons are checked one by one: the key was used, the subscription is not on sale or has a new version, or the
 * balance is missing, in another currency, or too low. Only a reason that was found is reported; if there is none (another
 * request was faster with the money in between), the purchase is tried again.
 */
export class BuyFromBalance {
  constructor(
    private readonly database: Queryable,
    private readonly ledger: Ledger,
    private readonly offers: Offers,
    private readonly clock: Clock,
  ) {}

  /** @throws NOT_FOUND, NOT_ON_SALE, CURRENCY_MISMATCH, INSUFFICIENT_FUNDS, IDEMPOTENCY_CONFLICT. */
  async buy(userId: string, subscriptionId: string, request: IdempotentRequest): Promise<Bought> {
    for (let attempt = 1; attempt <= 4; attempt++) {
      const offer = await this.offers.offer(subscriptionId, { fresh: attempt > 1 });
      const done = offer?.status === 'ACTIVE' ? await this.tryOnce(userId, offer, request) : null;
      if (done) return done;
      const earlier = await findResult<{ grantId: string; balance: Balance }>(this.database, request);
      if (earlier) return this.replayed(earlier);
      const fresh = await this.offers.offer(subscriptionId, { fresh: true });
      if (!fresh || fresh.status === 'DRAFT') throw notFound('subscription', 'input', 'subscriptionId');
      if (fresh.status !== 'ACTIVE') throw notOnSale(fresh);
      await this.checkBalance(userId, fresh);
    }
    throw new Error('the purchase was not made, and no reason was found');
  }

  private async tryOnce(userId: string, offer: Offer, request: IdempotentRequest): Promise<Bought | null> {
    const now = this.clock.now();
    const grant: NewGrant = {
      id: newId(),
      spendingId: newId(),
      versionId: offer.versionId,
      paidWith: 'BALANCE',
      pricePerDay: offer.pricePerDay,
      durationDays: offer.durationDays,
      orderId: null,
      ...decideTerms(offer.durationDays, now),
    };
    try {
      const purchase = {
        userId,
        subscriptionId: offer.subscriptionId,
        grant,
        price: offer.price,
        now,
        idempotencyKey: request.key,
        inputHash: request.inputHash,
      };
      const balance = await this.ledger.purchaseFromBalance(purchase);
      if (!balance) return null;
      return { grant: grantRow(userId, offer.currency, grant), balance };
    } catch (error) {
      // The same key at the same time: the other request made the purchase, and its result is ours too.
      if (brokenConstraint(error) === 'idempotency_records_pkey') return null;
      throw error;
    }
  }

  private async checkBalance(userId: string, offer: Offer): Promise<void> {
    const [balance] = await this.database.query<{ currency: string; posted: number; held: number }>(readBalance, [userId]);
    if (balance && balance.currency !== offer.currency) throw currencyMismatch(balance.currency, ['input', 'subscriptionId']);
    const available = balance ? balance.posted - balance.held : 0;
    if (offer.price > 0 && available < offer.price) throw insufficientFunds(offer.price - available, offer.currency);
    if (!balance) await this.ledger.createBalance({ userId, currency: offer.currency });
  }

  private async replayed(earlier: { grantId: string; balance: Balance }): Promise<Bought> {
    const grant = await findGrant(this.database, earlier.grantId);
    if (!grant) throw new Error('the grant of an idempotency record is gone');
    return { grant, balance: { ...earlier.balance, updatedAt: new Date(earlier.balance.updatedAt) } };
  }
}

/** NOT_ON_SALE. Only for what is or was on sale, because a draft must not be revealed. */
export const notOnSale = (offer: Offer) =>
  new Refusal({
    code: 'NOT_ON_SALE',
    message: 'This subscription is not on sale.',
    path: ['input', 'subscriptionId'],
    status: offer.status,
  });

function grantRow(userId: string, currency: string, grant: NewGrant): Grant {
  const never = { endedAt: null, textDigest: null, reason: null, actorId: null };
  return { ...grant, userId, currency, status: 'ACTIVE', startsAt: grant.grantedAt, ...never };
}
