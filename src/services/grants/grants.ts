import type { Grant } from '../../entities/grant.js';
import type { Clock } from '../../runtime/clock.js';
import { grantColumns } from '../../stores/columns.js';
import type { Database, Queryable, Statement } from '../../stores/database.js';
import type { Caller } from '../caller.js';
import { type BillingError, invalidInput, notFound, refusalsAsData, wrongState } from '../errors.js';
import { isUuid, newId } from '../ids.js';
import { expireGrantsDue } from '../ledger/expire-grants.js';
import { findResult, hashInput, type IdempotentRequest, onceMoreOnSameKey, saveResult } from '../ledger/idempotency.js';
import { inTransaction } from '../ledger/in-transaction.js';
import { checkReason } from '../ledger/reason.js';
import { type ChangeNotifier, Wallet } from '../ledger/wallet.js';
import { decideTerms } from '../purchases/decide-terms.js';
import type { Offer, Offers } from '../purchases/offer.js';
import { findGrant, lockGrant } from './find-grant.js';

export interface GiftGrantInput {
  userId: string;
  subscriptionId: string;
  durationDays?: number | null;
  reason: string;
  idempotencyKey: string;
}

export interface RevokeGrantInput {
  grantId: string;
  reason: string;
}

type GrantPayload = { grant?: Grant; errors: BillingError[] };

/** What the key of a gift stands for. */
interface Given {
  grantId: string;
}

const insertGift: Statement = {
  name: 'grants-insert-gift',
  text: `insert into grants as g (id, user_id, version_id, status, paid_with, price_per_day, duration_days, currency, granted_at,
      available_until, reason, actor_id)
    values ($1, $2, $3, 'ACTIVE', 'GIFT', $4, $5, $6, $7, $8, $9, $10) returning ${grantColumns}`,
};
const revokeGrant: Statement = {
  name: 'grants-revoke',
  text: `update grants as g set status = 'REVOKED', ended_at = $2, reason = $3, actor_id = $4 where id = $1 returning ${grantColumns}`,
};
/** What admins and time do to grants: gifts, revocations, expiry. Buying and refunding have houses of their own. */
export class Grants {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly notifier: ChangeNotifier,
    private readonly offers: Offers,
    private readonly largestDurationDays: number,
  ) {}

  /** Gives a grant for nothing, with who did it and why on record. Errors: NOT_FOUND, INVALID_INPUT, IDEMPOTENCY_CONFLICT. */
  async gift(caller: Caller, input: GiftGrantInput): Promise<GrantPayload> {
    return refusalsAsData<GrantPayload>(async () => {
      const callerId = adminOf(caller);
      const intent = { callerId, key: input.idempotencyKey, operation: 'giftGrant', inputHash: hashInput(input) };
      // Before anything is asked of the offer, which may have been taken off sale since.
      const earlier = await findResult<Given>(this.database, intent);
      const { grantId } = earlier ?? (await this.give(intent, input));
      return { grant: (await findGrant(this.database, grantId)) as Grant, errors: [] };
    });
  }

  /** Takes a grant away without a refund. Errors: NOT_FOUND, INVALID_INPUT, WRONG_STATE when it has ended. */
  async revoke(caller: Caller, input: RevokeGrantInput): Promise<GrantPayload> {
    return refusalsAsData<GrantPayload>(async () => {
      const actorId = adminOf(caller);
      const reason = checkReason(input.reason);
      const found = isUuid(input.grantId) ? await findGrant(this.database, input.grantId) : null;
      if (!found) throw notFound('grant', 'input', 'grantId');
      const grant = await inTransaction(this.database, {}, async (tx, afterCommit) => {
        const now = this.clock.now();
        const viewer = await this.viewerOf(tx, found.userId, found.currency);
        const wallet = await Wallet.lock(tx, viewer, now, afterCommit, this.notifier);
        const locked = (await lockGrant(tx, found.id)) as Grant;
        if (locked.status !== 'ACTIVE' && locked.status !== 'SUSPENDED') throw hasEnded(locked);
        const [revoked] = await tx.query<Grant>(revokeGrant, [found.id, now, reason, actorId]);
        await wallet.grantChanged(found.id);
        return revoked as Grant;
      });
      return { grant, errors: [] };
    });
  }

  /**
   * Expires grants whose time is over, up to `limit` in one transaction; gives back how many. Any number of workers may call it
   * at once. Fewer than `limit`: nothing more is due, or its viewers are busy and it is for the next call.
   */
  async expireDue(limit: number): Promise<number> {
    const moved = await expireGrantsDue(this.database, limit, this.clock.now());
    for (const { userId, sequence } of moved) this.notifier.notify(userId, sequence);
    return moved.reduce((sum, viewer) => sum + viewer.grants, 0);
  }

  private async give(intent: IdempotentRequest, input: GiftGrantInput): Promise<Given> {
    if (!isUuid(input.userId)) throw invalidInput('The user id is not a UUID.', 'userId');
    const by = { reason: checkReason(input.reason), actorId: intent.callerId };
    const days = input.durationDays ?? null;
    if (days !== null && (days < 1 || days > this.largestDurationDays)) {
      throw invalidInput(`A grant lasts 1 to ${this.largestDurationDays} days.`, 'durationDays');
    }
    const offer = isUuid(input.subscriptionId) ? await this.offers.offer(input.subscriptionId, { fresh: true }) : null;
    if (offer?.status !== 'ACTIVE') throw notFound('subscription on sale', 'input', 'subscriptionId');
    return onceMoreOnSameKey(() =>
      inTransaction(this.database, {}, async (tx, afterCommit) => {
        const now = this.clock.now();
        const viewer = await this.viewerOf(tx, input.userId, offer.currency);
        const wallet = await Wallet.lock(tx, viewer, now, afterCommit, this.notifier);
        const earlier = await findResult<Given>(tx, intent);
        if (earlier) return earlier;
        const grantId = await this.insertGift(tx, input.userId, offer, days ?? offer.durationDays, by, now);
        await wallet.grantChanged(grantId);
        await saveResult(tx, intent, { grantId }, now);
        return { grantId };
      }),
    );
  }

  private async insertGift(
    tx: Queryable,
    userId: string,
    offer: Offer,
    days: number,
    by: { reason: string; actorId: string },
    now: Date,
  ): Promise<string> {
    const { grantedAt, availableUntil } = decideTerms(days, now);
    const id = newId();
    const values = [
      id,
      userId,
      offer.versionId,
      offer.pricePerDay,
      days,
      offer.currency,
      grantedAt,
      availableUntil,
      by.reason,
      by.actorId,
    ];
    await tx.query(insertGift, values);
    return id;
  }

  /** A gift or a revocation moves no money, so the balance's currency does not matter to it. */
  private async viewerOf(tx: Queryable, userId: string, currency: string) {
    const [balance] = await tx.query<{ currency: string }>(currencyOfBalance, [userId]);
    return { userId, currency: balance?.currency ?? currency };
  }
}

const currencyOfBalance: Statement = {
  name: 'grants-currency-of-balance',
  text: `select currency from balances where user_id = $1`,
};

const hasEnded = (grant: Grant) => wrongState(`The grant is ${grant.status}.`, grant.status, 'input', 'grantId');

function adminOf(caller: Caller): string {
  if (caller.role !== 'ADMIN' || !caller.userId) throw new Error('only admins come here');
  return caller.userId;
}
