import type { Stripe } from 'stripe';
import type { Refund } from '../../entities/refund.js';
import type { Clock } from '../../runtime/clock.js';
import { forEachSettled } from '../../runtime/concurrency.js';
import { decideNextAttempt } from '../../runtime/decide-next-attempt.js';
import { describeFailure } from '../../runtime/describe-failure.js';
import { refundColumns } from '../../stores/columns.js';
import { type Database, type Statement, statement } from '../../stores/database.js';
import { classifyStripeError, isMissingAtStripe } from '../../stores/stripe.js';
import { toStripeAmount } from '../../stores/stripe-amounts.js';
import { isOurRefund } from './decide-refund.js';
import { findRefund, paymentOf } from './refund-rows.js';
import type { StripeRefunds } from './stripe-refunds.js';

/** After this, the job considers a payout's process dead and continues in its place. */
export const PAYOUT_LEASE_MS = 120_000;
/** Stripe reports the end of a pending refund; in case it does not, we check this often. */
const PENDING_CHECK_MS = 60 * 60 * 1000;
const RETRY = { maxAttempts: Number.POSITIVE_INFINITY, backoffMs: 5_000, backoffMaximumMs: 60 * 60 * 1000 };

const NOT_ACCEPTED = 'Stripe did not accept the refund in time. The money is in the balance.';

/** $1 due until, $2 end of the lease, $3 now. */
const claimDue = statement('payout-claim-due')`update refunds as r set attempts = r.attempts + 1, next_attempt_at = $2
    where id = (select id from refunds due where status = 'PENDING' and origin = 'REQUEST' and next_attempt_at <= $1
        and (stripe_refund_id is not null or not exists (
          select 1 from holds where refund_id = due.id and status = 'PENDING' and expires_at <= $3))
      order by next_attempt_at limit 1 for update skip locked)
    returning ${refundColumns}`;
/** Payouts whose hold has expired before Stripe was known to have them. */
const claimStale = statement('payout-claim-stale')`update refunds as r set attempts = r.attempts + 1, next_attempt_at = $2
    where id = (select stale.id from holds join refunds stale on stale.id = holds.refund_id
      where holds.status = 'PENDING' and holds.expires_at <= $3 and stale.status = 'PENDING' and stale.origin = 'REQUEST'
        and stale.stripe_refund_id is null and stale.next_attempt_at <= $1
      order by holds.expires_at limit 1 for update of stale skip locked)
    returning ${refundColumns}`;
const reschedule = statement('payout-put-off')`update refunds set next_attempt_at = $2, last_error = $3
    where id = $1 and status = 'PENDING'`;

/**
 * Rule 6: after the hold is committed, asks Stripe with a key derived from the refund's id; then captures or releases. Safe to
 * be killed at any line and run again: every further attempt first checks whether Stripe already has the refund.
 */
export class Payout {
  constructor(
    private readonly database: Pick<Database, 'query' | 'forViewer'>,
    private readonly stripe: Stripe,
    private readonly clock: Clock,
    private readonly stripeRefunds: StripeRefunds,
    private readonly random: () => number,
  ) {}

  /**
   * Pays out a PENDING refund. While Stripe is unreachable it stays PENDING, and the job continues.
   *
   * @throws errors of the database, but none of Stripe's
   */
  async pay(refund: Refund): Promise<Refund> {
    try {
      await this.apply(refund, await this.createOrFindAtStripe(refund));
    } catch (error) {
      await this.endWith(error, refund);
    }
    return (await findRefund(this.database, refund.id)) ?? refund;
  }

  /**
   * Continues payouts that a crash or an outage of Stripe interrupted, until `signal` aborts; returns how many were attempted.
   */
  resumeDue(limit: number, signal?: AbortSignal): Promise<number> {
    return this.oneByOne(claimDue, limit, (refund) => this.pay(refund), signal);
  }

  /**
   * Abandons payouts whose hold has expired and that Stripe says it does not have: the refund becomes FAILED and the money
   * available again. One that Stripe does have is captured. While Stripe gives no answer, the hold stays. Returns how many were
   * checked.
   */
  releaseStaleHolds(limit: number, signal?: AbortSignal): Promise<number> {
    return this.oneByOne(claimStale, limit, (refund) => this.abandon(refund), signal);
  }

  private async oneByOne(
    claim: Statement,
    limit: number,
    work: (refund: Refund) => Promise<unknown>,
    signal: AbortSignal | undefined,
  ): Promise<number> {
    let count = 0;
    await forEachSettled(this.claimed(claim, limit, signal), (refund) => {
      count++;
      return work(refund);
    });
    return count;
  }

  /**
   * Claims each refund only when it is its turn: a batch may take longer than a lease, and a refund that was abandoned
   * meanwhile must not be paid. Each refund that was due when the batch began is attempted once.
   */
  private async *claimed(claim: Statement, limit: number, signal: AbortSignal | undefined): AsyncGenerator<Refund> {
    const dueUntil = this.clock.now();
    for (let count = 0; count < limit && !signal?.aborted; count++) {
      const now = this.clock.now();
      const leaseUntil = new Date(now.getTime() + PAYOUT_LEASE_MS);
      const [refund] = await this.database.query<Refund>(claim, [dueUntil, leaseUntil, now]);
      if (!refund) return;
      yield refund;
    }
  }

  private async abandon(refund: Refund): Promise<void> {
    try {
      const made = await this.findExisting(await paymentOf(this.database, refund), refund);
      if (made) await this.apply(refund, made);
      else await this.stripeRefunds.fail(refund.id, NOT_ACCEPTED);
    } catch (error) {
      if (classifyStripeError(error) === null) throw error;
      await this.tryLater(error as Error, refund);
    }
  }

  private async apply(refund: Refund, stripeRefund: Stripe.Refund): Promise<void> {
    await this.stripeRefunds.applyStripeRefund(stripeRefund, null);
    if (stripeRefund.status !== 'succeeded') await this.scheduleCheck(refund);
  }

  /** The refund at Stripe, found or created. */
  private async createOrFindAtStripe(refund: Refund): Promise<Stripe.Refund> {
    if (refund.stripeRefundId) return this.stripe.refunds.retrieve(refund.stripeRefundId);
    const paymentIntentId = await paymentOf(this.database, refund);
    // Stripe drops idempotency keys after a day or more, so a second attempt must not rely on them alone.
    const made = refund.attempts > 1 ? await this.findExisting(paymentIntentId, refund) : null;
    if (made) return made;
    const metadata = { refund_id: refund.id, order_id: refund.orderId, user_id: refund.userId };
    const amount = toStripeAmount(refund.amount, refund.currency);
    const parameters = { payment_intent: paymentIntentId, amount, metadata };
    return this.stripe.refunds.create(parameters, { idempotencyKey: `refund-${refund.id}` });
  }

  private async findExisting(paymentIntentId: string, refund: Refund): Promise<Stripe.Refund | null> {
    for await (const candidate of this.stripe.refunds.list({ payment_intent: paymentIntentId, limit: 100 })) {
      if (isOurRefund(candidate, refund, paymentIntentId)) return candidate;
    }
    return null;
  }

  private async scheduleCheck(refund: Refund): Promise<void> {
    await this.database
      .forViewer(refund.userId)
      .query(reschedule, [refund.id, new Date(this.clock.now().getTime() + PENDING_CHECK_MS), null]);
  }

  private async endWith(error: unknown, refund: Refund): Promise<void> {
    const kind = classifyStripeError(error);
    if (kind === null) throw error;
    // A captured payment exists: if Stripe does not know it, our API key belongs to another account or mode, and nothing was
    // refused.
    if (kind === 'DEFINITE' && !isMissingAtStripe(error))
      return this.stripeRefunds.fail(refund.id, describeFailure((error as Error).message));
    await this.tryLater(error as Error, refund);
  }

  private async tryLater(error: Error, refund: Refund): Promise<void> {
    const next = decideNextAttempt({ attempts: refund.attempts, now: this.clock.now(), chance: this.random() }, RETRY);
    await this.database.forViewer(refund.userId).query(reschedule, [refund.id, next, describeFailure(error.message)]);
  }
}
