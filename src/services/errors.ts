import type { SubscriptionStatus } from '../entities/subscription.js';
import { isDataException, isTransient } from '../stores/database.js';
import { ViewerBusy } from '../stores/viewer-places.js';
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
  /** For display to people, in English. */
  readonly message: string;
  /** The input field at fault, outermost first. */
  readonly path: readonly string[] | null;
}

/** An expected error: returned in a payload's `errors`, never thrown to a client. Mirrors the schema's types of the same names. */
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
 * Thrown inside a service to roll back its transaction; the service's public function converts it to a payload with
 * `refusalsAsData`.
 */
export class Refusal extends Error {
  constructor(readonly error: BillingError) {
    super(error.message);
  }
}

/** Runs `work` and converts a Refusal to a payload that contains only that error. */
export async function refusalsAsData<Payload>(work: () => Promise<Payload>): Promise<Payload | { errors: BillingError[] }> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Refusal) return { errors: [error.error] };
    throw error;
  }
}

/** NOT_FOUND: `what` is a noun for the message, `path` points to the id in the input. */
export const notFound = (what: string, ...path: string[]) =>
  new Refusal({ code: 'NOT_FOUND', message: `No such ${what}.`, path });

/** INVALID_INPUT; `path` is relative to `input`. */
export const invalidInput = (message: string, ...path: string[]) =>
  new Refusal({ code: 'INVALID_INPUT', message, path: ['input', ...path] });

/** INVALID_INPUT: an amount that Stripe does not accept; `step` is in minor units. */
export const notInSteps = (step: number, currency: string, ...path: string[]) =>
  invalidInput(`Card payments and refunds in ${currency} must be multiples of ${step} minor units.`, ...path);

/** WRONG_STATE: the object's state does not allow the operation. */
export const wrongState = (message: string, state: string, ...path: string[]) =>
  new Refusal({ code: 'WRONG_STATE', message, path, state });

/** AMOUNT_OUT_OF_BOUNDS: inclusive bounds, in minor units. */
export const outOfBounds = (message: string, bounds: { minimum: number; maximum: number; currency: string }, ...path: string[]) =>
  new Refusal({
    code: 'AMOUNT_OUT_OF_BOUNDS',
    message,
    path,
    minimum: { amount: bounds.minimum, currency: bounds.currency },
    maximum: { amount: bounds.maximum, currency: bounds.currency },
  });

/** INSUFFICIENT_FUNDS: `shortfall` is the missing amount, in minor units. */
export const insufficientFunds = (
  shortfall: number,
  currency: string,
  message = 'Insufficient balance.',
  path: string[] | null = null,
) => new Refusal({ code: 'INSUFFICIENT_FUNDS', message, path, shortfall: { amount: shortfall, currency } });

/** CURRENCY_MISMATCH: `expected` is the currency of the balance. */
export const currencyMismatch = (expected: string, path: string[] | null = null) =>
  new Refusal({
    code: 'CURRENCY_MISMATCH',
    message: `The balance is in ${expected}, and a balance has only one currency.`,
    path,
    expected,
  });

/** An invalid argument of a query. The gateway returns it with the code BAD_USER_INPUT and this message. */
export class InvalidArgument extends Error {
  override readonly name: string = 'InvalidArgument';

  constructor(
    readonly argument: string,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Why a store failed although the operation itself is valid. BUSY: too many changes of this viewer are in progress. UNAVAILABLE: the
 * store cannot be reached, or did not respond in time. UNSTORABLE: the data can never be stored.
 */
export type StoreFault = 'BUSY' | 'UNAVAILABLE' | 'UNSTORABLE';

/** Classifies an error of a store; returns null for every other error. */
export function storeFaultOf(error: unknown): StoreFault | null {
  if (error instanceof ViewerBusy) return 'BUSY';
  if (isTransient(error)) return 'UNAVAILABLE';
  return isDataException(error) ? 'UNSTORABLE' : null;
}
