import type { SubscriptionStatus } from '../entities/subscription.js';
import type { Money } from './money.js';

export const NOT_REFUNDABLE_REASONS = [
  'NO_UNUSED_DAYS',
  'GRANT_ENDED',
  'DISPUTED',
  'GIFT',
  'NOT_A_CARD_PAYMENT',
  'ALREADY_REFUNDED',
  'FREE',
] as const;
export type NotRefundableReason = (typeof NOT_REFUNDABLE_REASONS)[number];

interface Failure {
  /** For people, in English. */
  readonly message: string;
  /** The input field at fault, outermost first. */
  readonly path: readonly string[] | null;
}

/** An expected failure: data of a payload, never thrown to a client. The contract's types of the same names. */
export type BillingError =
  | (Failure & { readonly code: 'INSUFFICIENT_FUNDS'; readonly shortfall: Money })
  | (Failure & { readonly code: 'NOT_FOUND' })
  | (Failure & { readonly code: 'NOT_ON_SALE'; readonly status: SubscriptionStatus })
  | (Failure & { readonly code: 'NOT_REFUNDABLE'; readonly reason: NotRefundableReason })
  | (Failure & { readonly code: 'AMOUNT_OUT_OF_BOUNDS'; readonly minimum: Money; readonly maximum: Money })
  | (Failure & { readonly code: 'CURRENCY_MISMATCH'; readonly expected: string })
  | (Failure & { readonly code: 'IDEMPOTENCY_CONFLICT' })
  | (Failure & { readonly code: 'PAYMENT_PROVIDER_UNAVAILABLE'; readonly retryable: boolean })
  | (Failure & { readonly code: 'INVALID_INPUT' })
  | (Failure & { readonly code: 'ALREADY_EXISTS'; readonly existingId: string })
  | (Failure & { readonly code: 'WRONG_STATE'; readonly state: string });

/**
 * Thrown inside a service to leave a transaction with nothing done; the service's public function turns it into a payload
 * with `refusalsAsData`.
 */
export class Refusal extends Error {
  constructor(readonly error: BillingError) {
    super(error.message);
  }
}

/** Runs `work`; what it refuses becomes a payload with that error and nothing else. */
export async function refusalsAsData<Payload>(work: () => Promise<Payload>): Promise<Payload | { errors: BillingError[] }> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Refusal) return { errors: [error.error] };
    throw error;
  }
}

export const notFound = (what: string, path: string) =>
  new Refusal({ code: 'NOT_FOUND', message: `There is no such ${what}.`, path: ['input', path] });

export const invalidInput = (message: string, ...path: string[]) =>
  new Refusal({ code: 'INVALID_INPUT', message, path: ['input', ...path] });
