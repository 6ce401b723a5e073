import type { Grant } from '../../entities/grant.js';
import { grantColumns } from '../../stores/columns.js';
import { type Queryable, statement } from '../../stores/database.js';
import { recordAudit } from '../audit/audit.js';
import { type Caller, requireAdminId } from '../caller.js';
import { type BillingError, invalidInput, notFound, refusalsAsData, wrongState } from '../errors.js';
import { newId, parseId } from '../ids.js';
import { requestOf } from '../ledger/idempotency.js';
import type { Ledger } from '../ledger/ledger.js';
import { checkReason } from '../ledger/reason.js';
import type { Unit, Viewer } from '../ledger/unit.js';
import { decideTerms } from '../purchases/decide-order.js';
import type { Offer, Offers } from '../purchases/offer.js';

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

/** The stored result of a gift's key. */
interface Given {
  grantId: string;
}

const byId = statement('grants-by-id')`select ${grantColumns} from grants g where id = $1`;
const byIdLocked = statement('grants-by-id-locked')`${byId.text} for no key update`;
const byOrderLocked = statement('grants-by-order-locked')`select ${grantColumns} from grants g
    where order_id = $1 for no key update`;
const insertGift = statement('grants-insert-gift')`
    insert into grants (id, user_id, version_id, status, paid_with, price_per_day, duration_days, currency, granted_at,
      starts_at, available_until, text_digest, actor_id)
    values ($1, $2, $3, 'ACTIVE', 'GIFT', $4, $5, $6, $7, $7, $8, $9, $10)`;
const currencyOfBalance = statement('grants-currency-of-balance')`select currency from balances where user_id = $1`;

/** A gift, with everything that is checked only for a new key. */
interface Gift extends Viewer {
  readonly offer: Offer;
  readonly durationDays: number;
  readonly reason: string;
}

/** The current grant; null when there is none. `id` must be a UUID. */
export async function findGrant(database: Queryable, id: string): Promise<Grant | null> {
  return (await database.query<Grant>(byId, [id]))[0] ?? null;
}

/** Locks the grant; the caller must hold the viewer's lock. */
export async function lockGrant(tx: Queryable, id: string): Promise<Grant | null> {
  return (await tx.query<Grant>(byIdLocked, [id]))[0] ?? null;
}

/** Locks and returns the grant that an order's payment bought; null for a top-up. */
export async function lockGrantOfOrder(tx: Queryable, orderId: string): Promise<Grant | null> {
  return (await tx.query<Grant>(byOrderLocked, [orderId]))[0] ?? null;
}

/** What admins and time do to grants: gifts, revocations, expiry. Purchases and refunds are in folders of their own. */
export class Grants {
  constructor(
    private readonly database: Queryable,
    private readonly ledger: Ledger,
    private readonly offers: Offers,
    private readonly maxDurationDays: number,
  ) {}

  /**
   * Gifts a grant: issues it without payment, with who did it and why on record.
   *
   * @throws NOT_FOUND, INVALID_INPUT, IDEMPOTENCY_CONFLICT, as the payload's errors
   */
  async gift(caller: Caller, input: GiftGrantInput): Promise<GrantPayload> {
    return refusalsAsData<GrantPayload>(async () => {
      requireAdminId(caller);
      // 1. Load and decide
      const load = () => this.checkedGift(input);
      const request = requestOf(caller, 'giftGrant', input);
      const { grantId } = await this.ledger.once(request, load, async (unit, gift): Promise<Given> => {
        // 2. Write; the ledger commits and notifies
        return { grantId: await insertGiftOf(unit, gift, caller) };
      });
      return { grant: (await findGrant(this.database, grantId)) as Grant, errors: [] };
    });
  }

  /**
   * Revokes a grant: ends it without a refund, with who did it and why on record.
   *
   * @throws NOT_FOUND, INVALID_INPUT, WRONG_STATE when it has ended, as the payload's errors
   */
  async revoke(caller: Caller, input: RevokeGrantInput): Promise<GrantPayload> {
    return refusalsAsData<GrantPayload>(async () => {
      // 1. Load
      const actorId = requireAdminId(caller);
      const reason = checkReason(input.reason);
      const id = parseId(input.grantId);
      const found = id ? await findGrant(this.database, id) : null;
      if (!found) throw notFound('grant', 'input', 'grantId');
      const viewer = await this.viewerOf(found.userId, found.currency);
      const grant = await this.ledger.change(viewer, async (unit) => {
        // 2. Decide
        const locked = (await lockGrant(unit.tx, found.id)) as Grant;
        if (locked.status !== 'ACTIVE' && locked.status !== 'SUSPENDED') throw hasEnded(locked);
        // 3. Write; the ledger commits and notifies
        const { status, userId } = locked;
        const audited = {
          action: 'revokeGrant',
          subjectId: found.id,
          userId,
          reason,
          before: { status },
          after: { status: 'REVOKED' },
        };
        const textDigest = await recordAudit(unit.tx, caller, audited, unit.now);
        return unit.endGrant(found.id, 'REVOKED', { textDigest, actorId });
      });
      return { grant, errors: [] };
    });
  }

  /**
   * Expires due grants, up to `limit` in one transaction; returns how many. Any number of workers may call it at once. Fewer
   * than `limit` means that nothing more is due, or that its viewers are busy and it is left to the next call.
   */
  expireDue(limit: number): Promise<number> {
    return this.ledger.expireGrantsDue(limit);
  }

  /** Loads what a new key needs. A used key must not depend on an offer that may have been archived since. */
  private async checkedGift(input: GiftGrantInput): Promise<Gift> {
    const userId = parseId(input.userId);
    if (!userId) throw invalidInput('The user id is not a UUID.', 'userId');
    const reason = checkReason(input.reason);
    const days = input.durationDays ?? null;
    if (days !== null && (days < 1 || days > this.maxDurationDays)) {
      throw invalidInput(`A grant lasts 1 to ${this.maxDurationDays} days.`, 'durationDays');
    }
    const subscriptionId = parseId(input.subscriptionId);
    const offer = subscriptionId ? await this.offers.offer(subscriptionId, { fresh: true }) : null;
    if (offer?.status !== 'ACTIVE') throw notFound('subscription on sale', 'input', 'subscriptionId');
    const viewer = await this.viewerOf(userId, offer.currency);
    return { ...viewer, offer, durationDays: days ?? offer.durationDays, reason };
  }

  /** A gift or a revocation moves no money, so the balance may be in any currency. */
  private async viewerOf(userId: string, currency: string): Promise<Viewer> {
    const [balance] = await this.database.query<{ currency: string }>(currencyOfBalance, [userId]);
    return { userId, currency: balance?.currency ?? currency };
  }
}

async function insertGiftOf(unit: Unit, gift: Gift, caller: Caller): Promise<string> {
  const { userId, offer, durationDays, reason } = gift;
  const { grantedAt, availableUntil } = decideTerms(durationDays, unit.now);
  const id = newId();
  const terms = [offer.versionId, offer.pricePerDay, durationDays, offer.currency, grantedAt, availableUntil];
  const after = { versionId: offer.versionId, durationDays, availableUntil };
  const audited = { action: 'giftGrant', subjectId: id, userId, reason, after };
  const textDigest = await recordAudit(unit.tx, caller, audited, unit.now);
  await unit.tx.query(insertGift, [id, userId, ...terms, textDigest, caller.userId]);
  unit.changed('GRANT', id, caller.userId);
  return id;
}

const hasEnded = (grant: Grant) =>
  wrongState(`This grant can't be revoked: it is ${grant.status}.`, grant.status, 'input', 'grantId');
