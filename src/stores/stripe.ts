import Stripe from 'stripe';

export interface StripeSettings {
  secretKey: string;
  /** Where the client calls: Stripe, the sandbox, or a recording proxy in front of either. */
  apiUrl: string;
  timeoutMs: number;
  /** Tries in all, the first included; the SDK sends the same idempotency key each time. */
  attemptsCount: number;
}

/** The version whose shapes the code was written for; the SDK's types are of the same one. */
export const STRIPE_API_VERSION = '2026-10-28.endive';

/** Stripe's own client. */
export function openStripe(settings: StripeSettings): Stripe {
  const url = new URL(settings.apiUrl);
  const port = url.port || (url.protocol === 'http:' ? '80' : '443');
  return new Stripe(settings.secretKey, {
    apiVersion: STRIPE_API_VERSION,
    protocol: url.protocol === 'http:' ? 'http' : 'https',
    host: url.hostname,
    port,
    timeout: settings.timeoutMs,
    maxNetworkRetries: settings.attemptsCount - 1,
    telemetry: false,
  });
}

/**
 * What an error of the client means. RETRYABLE: Stripe was away, busy or slow, and may or may not have done it: ask again with
 * the same key. DEFINITE: it refused this very request for good, and did nothing. MISCONFIGURED: it refuses us (key,
 * permission), or a key was used before with other parameters: an operator must look, and nothing is known of the earlier
 * request. Null: not Stripe's at all. Sources: https://docs.stripe.com/error-handling and
 * https://docs.stripe.com/error-low-level
 */
export function classifyStripeError(error: unknown): 'RETRYABLE' | 'DEFINITE' | 'MISCONFIGURED' | null {
  if (!(error instanceof Stripe.errors.StripeError)) return null;
  const { statusCode, code } = error;
  if (statusCode === undefined || statusCode >= 500) return 'RETRYABLE';
  // 409: another request with this key, or one that holds the object's lock, is under way. 429 and rate_limit: too many requests.
  if (statusCode === 409 || statusCode === 429 || code === 'rate_limit' || code === 'lock_timeout') return 'RETRYABLE';
  if (statusCode === 401 || statusCode === 403 || error instanceof Stripe.errors.StripeIdempotencyError) return 'MISCONFIGURED';
  return 'DEFINITE';
}

/** Whether Stripe says that there is no such object (any more). */
export const isMissingAtStripe = (error: unknown): boolean =>
  error instanceof Stripe.errors.StripeError && error.code === 'resource_missing';
