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
 * the same key. DEFINITE: it refused this very request for good. MISCONFIGURED: it refuses us (key, permission, version).
 * Null: not Stripe's at all. Source: Stripe's guide "Error handling".
 */
export function classifyStripeError(error: unknown): 'RETRYABLE' | 'DEFINITE' | 'MISCONFIGURED' | null {
  if (!(error instanceof Stripe.errors.StripeError)) return null;
  if (error instanceof Stripe.errors.StripeAuthenticationError || error instanceof Stripe.errors.StripePermissionError) {
    return 'MISCONFIGURED';
  }
  // 409: another request with this key is under way. 429: too many requests.
  if (error.statusCode === undefined || error.statusCode === 409 || error.statusCode === 429 || error.statusCode >= 500) {
    return 'RETRYABLE';
  }
  return 'DEFINITE';
}
