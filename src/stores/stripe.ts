import Stripe from 'stripe';
import type { CallObserver } from './observe-calls.js';
import { fromStripe } from './stripe-amounts.js';

export interface StripeSettings {
  secretKey: string;
  /** The base URL: Stripe, the sandbox, or a recording proxy in front of either. */
  apiUrl: string;
  timeoutMs: number;
  /** The total number of attempts; the SDK sends the same idempotency key each time. */
  attemptsCount: number;
  observer?: Pick<CallObserver, 'stripe'>;
}

/** The API version that the code was written for; the SDK's types have the same version. */
export const STRIPE_API_VERSION = '2026-10-28.endive';

/** Stripe's client, with amounts in responses converted to our minor units. Amounts in requests must be made by toStripeAmount. */
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
    httpClient: convertingClient(settings.observer),
  });
}

const unobserved: Pick<CallObserver, 'stripe'> = { stripe: (_call, run) => run({}) };

/** The SDK's HTTP client, with each request observed and its response converted. */
function convertingClient(observer = unobserved) {
  const client = Stripe.createNodeHttpClient();
  const makeRequest = client.makeRequest.bind(client);
  client.makeRequest = async (host, port, path, method, headers, ...rest) => {
    const response = await observer.stripe({ method, path: withoutIds(path) }, (more) =>
      makeRequest(host, port, path, method, { ...(headers as object), ...more }, ...rest),
    );
    const toJSON = response.toJSON.bind(response);
    response.toJSON = async () => fromStripe(await toJSON());
    return response;
  };
  return client;
}

/** Stripe's ids have a prefix, an underscore, and digits or capitals: /v1/refunds/re_3PqL becomes /v1/refunds/:id. */
export const withoutIds = (path: string): string =>
  path
    .replace(/\?.*$/s, '')
    .split('/')
    .map((part) => (/^[a-z]+_\w*[A-Z0-9]/.test(part) ? ':id' : part))
    .join('/');

/**
 * Classifies an error of the client. RETRYABLE: Stripe was unavailable, busy or slow, and the request may or may not have taken effect:
 * retry with the same key. DEFINITE: Stripe permanently rejected this request, without effect. MISCONFIGURED: Stripe rejects our key or
 * permissions, or an idempotency key was used before with other parameters: an operator must act, and the outcome of the earlier request
 * is unknown. Null: not an error from Stripe. Sources: https://docs.stripe.com/error-handling and
 * https://docs.stripe.com/error-low-level
 */
export function classifyStripeError(error: unknown): 'RETRYABLE' | 'DEFINITE' | 'MISCONFIGURED' | null {
  if (!(error instanceof Stripe.errors.StripeError)) return null;
  const { statusCode, code } = error;
  if (statusCode === undefined || statusCode >= 500) return 'RETRYABLE';
  // 409: another request with this key, or one that holds the object's lock, is in progress. 429 and rate_limit: too many requests.
  if (statusCode === 409 || statusCode === 429 || code === 'rate_limit' || code === 'lock_timeout') return 'RETRYABLE';
  if (statusCode === 401 || statusCode === 403 || error instanceof Stripe.errors.StripeIdempotencyError) return 'MISCONFIGURED';
  return 'DEFINITE';
}

/**
 * Whether retrying with the same key and parameters can never succeed: Stripe rejects the request itself, or the key was used with other
 * parameters. Rejected credentials do not count: an operator can fix them.
 */
export function isPermanentRefusal(error: unknown): boolean {
  const kind = classifyStripeError(error);
  return kind === 'DEFINITE' || (kind === 'MISCONFIGURED' && error instanceof Stripe.errors.StripeIdempotencyError);
}

/** Whether Stripe reports that the object does not exist (any more). */
export const isMissingAtStripe = (error: unknown): error is InstanceType<typeof Stripe.errors.StripeError> =>
  error instanceof Stripe.errors.StripeError && error.code === 'resource_missing';

/** Whether the header is a signature of the body with the secret, no older than `toleranceSeconds` (0: any age). */
export function isSignedByStripe(
  rawBody: Buffer,
  header: string,
  secret: string,
  { toleranceSeconds, now }: { toleranceSeconds: number; now: Date },
): boolean {
  const { signature } = Stripe.webhooks;
  if (!signature) throw new Error('the Stripe SDK has no signature helper');
  try {
    return signature.verifyHeader(rawBody, header, secret, toleranceSeconds, undefined, now.getTime());
  } catch {
    return false;
  }
}

/** How many stored failures are tolerated before the call is abandoned. */
const MAX_KEY_COUNT = 5;

/**
 * Runs `call` with the key. For a day, Stripe repeats its first response to a key, even a failure of its own (5xx). Such a stored failure
 * is skipped by using the next key in a deterministic sequence, the same for all callers. Only for calls that may leave something unused
 * behind, never for calls that move money. https://docs.stripe.com/api/idempotent_requests
 */
export async function withIdempotencyKey<Result>(
  key: string,
  call: (options: { idempotencyKey: string }) => Promise<Result>,
): Promise<Result> {
  for (let count = 1; ; count++) {
    try {
      return await call({ idempotencyKey: count === 1 ? key : `${key}-${count}` });
    } catch (error) {
      if (count >= MAX_KEY_COUNT || !isKeptFailure(error)) throw error;
    }
  }
}

const isKeptFailure = (error: unknown): boolean =>
  error instanceof Stripe.errors.StripeAPIError &&
  (error.statusCode ?? 0) >= 500 &&
  error.headers?.['idempotent-replayed'] === 'true';
