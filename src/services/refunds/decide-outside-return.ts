import type { Grant, GrantStatus } from '../../entities/grant.js';

/** A grant in one of these never gives access again and takes no further change. */
const endedStatuses: ReadonlySet<GrantStatus> = new Set(['REFUNDED', 'REVOKED']);

/**
 * A card payment and the grant that it bought, in minor units. Outside returns are refunds made at Stripe and money taken by
 * disputes; they exclude refunds that failed and dispute money that came back.
 */
export interface PaymentFacts {
  readonly captured: number;
  /** All refunds of the payment to its card, by anyone, that have not failed. */
  readonly refunded: number;
  /** The part of those that was made at Stripe. */
  readonly refundedOutside: number;
  /** What all disputes have taken and not returned. */
  readonly disputed: number;
  /** The part of that which is not expected back: of lost disputes, and of won ones that Stripe has returned in part. */
  readonly disputedFinally: number;
  /** Whether a lost dispute is among them. */
  readonly lostDispute: boolean;
  /** Whether a dispute, not just an inquiry, is open. */
  readonly openDispute: boolean;
  /** What the grant's SPENDING took; 0 if the payment bought no grant. */
  readonly paid: number;
  /** What was credited of that, by any return. */
  readonly returned: number;
  /** The part of that which was credited by outside returns. */
  readonly returnedOutside: number;
  /** Whether the grant was ended by a refund of ours or an admin's revocation, not by outside returns. */
  readonly endedHere: boolean;
}

/** Rule 7: the credit that precedes a debit of `taken`: what was spent on the grant and not yet returned, at most `taken`. */
export function decideCredit(taken: number, { paid, returned }: Pick<PaymentFacts, 'paid' | 'returned'>): number {
  return Math.max(0, Math.min(taken, paid - returned));
}

/**
 * Money that had left and is back at Stripe pays for the grant again, up to what had been credited for it: a viewer who keeps
 * the grant, or used part of it before it was ended here, has paid for it. A grant that ended because the money had left is
 * never restored; then the money stays in the balance (rule 3). `facts` are those without the money that came back.
 */
export function decideRepayment(cameBack: number, facts: PaymentFacts, status: GrantStatus | null): number {
  if (status === null || (endedStatuses.has(status) && !facts.endedHere)) return 0;
  const outside = facts.refundedOutside + facts.disputed;
  return Math.max(0, Math.min(cameBack, facts.returnedOutside - outside));
}

/** Whether nothing of the payment is left, whatever an open dispute may still return. */
export const isExhausted = ({ captured, refunded, disputedFinally }: PaymentFacts): boolean =>
  captured - refunded - disputedFinally <= 0;

type Standing = Pick<Grant, 'status' | 'availableUntil'>;

/**
 * Rules 7 and 9: the status of a grant after its payment was returned outside our refunds. If nothing is left, it has ended:
 * REVOKED when a lost dispute took part of the payment, whichever was reported last. If a dispute is open, it is SUSPENDED.
 * Otherwise its end date decides.
 */
export function decideGrantStatus({ status, availableUntil }: Standing, facts: PaymentFacts, now: Date): GrantStatus {
  if (endedStatuses.has(status)) return status;
  const outside = facts.refundedOutside + facts.disputed > 0;
  if (outside && isExhausted(facts)) return facts.lostDispute ? 'REVOKED' : 'REFUNDED';
  if (facts.openDispute) return status === 'ACTIVE' && availableUntil > now ? 'SUSPENDED' : status;
  if (status !== 'SUSPENDED') return status;
  return availableUntil > now ? 'ACTIVE' : 'EXPIRED';
}
