/** The body of Stripe's errors: https://docs.stripe.com/api/errors */
export interface StripeErrorBody {
  type: 'api_error' | 'card_error' | 'idempotency_error' | 'invalid_request_error';
  message: string;
  code?: string;
  param?: string;
  decline_code?: string;
  advice_code?: string;
  charge?: string;
  doc_url?: string;
  request_log_url?: string;
}

type Details = Omit<Partial<StripeErrorBody>, 'type' | 'message'>;

/** A response other than 2xx. `executed`: work had started, which is when Stripe stores the response for an idempotency key. */
export class StripeFailure extends Error {
  constructor(
    readonly statusCode: number,
    readonly body: StripeErrorBody,
    readonly executed: boolean,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(body.message);
    if (body.code !== undefined) body.doc_url = `https://stripe.com/docs/error-codes/${body.code.replaceAll('_', '-')}`;
  }
}

/** The request is invalid; nothing was executed. */
export function invalidRequest(message: string, details: Details = {}): StripeFailure {
  return new StripeFailure(400, { type: 'invalid_request_error', message, ...details }, false);
}

/** The request is valid, but the current state does not allow it. */
export function refused(message: string, details: Details = {}): StripeFailure {
  return new StripeFailure(400, { type: 'invalid_request_error', message, ...details }, true);
}

/** `No such refund: 're_…'`: 404 for the object in the path, 400 for one named in a parameter. */
export function resourceMissing(kind: string, id: string, param: string): StripeFailure {
  const body: StripeErrorBody = {
    type: 'invalid_request_error',
    code: 'resource_missing',
    message: `No such ${kind}: '${id}'`,
    param,
  };
  return new StripeFailure(param === 'id' ? 404 : 400, body, true);
}

export function unknownAddress(method: string, address: string): StripeFailure {
  const message = `Unrecognized request URL (${method}: ${address}). The sandbox supports only the part of Stripe's API that Boxoffice uses.`;
  return new StripeFailure(404, { type: 'invalid_request_error', message }, false);
}

/** A missing or wrong API key. The key is masked as at Stripe: only its kind and last four characters are shown. */
export function wrongKey(given: string | null): StripeFailure {
  const message =
    given === null
      ? 'You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth.'
      : `Invalid API Key provided: ${maskKey(given)}`;
  return new StripeFailure(401, { type: 'invalid_request_error', message }, false);
}

function maskKey(key: string): string {
  const kind = /^[a-z]{2}_(test|live)_/.exec(key)?.[0] ?? '';
  return key.length < kind.length + 8 ? `${kind}****` : `${kind}********${key.slice(-4)}`;
}

export function rateLimited(): StripeFailure {
  const message = 'Request rate limit exceeded. You can learn more about rate limits here https://stripe.com/docs/rate-limits.';
  const body: StripeErrorBody = { type: 'invalid_request_error', code: 'rate_limit', message };
  return new StripeFailure(429, body, false, { 'Stripe-Rate-Limited-Reason': 'global-rate' });
}

/** An internal error of Stripe. If `executed`, it is stored for its idempotency key, so the SDK must not retry. */
export function serverError(executed: boolean): StripeFailure {
  const message = 'An unknown error occurred (simulated by a fault rule of the sandbox).';
  return new StripeFailure(500, { type: 'api_error', message }, executed, { 'Stripe-Should-Retry': String(!executed) });
}

export function keyReusedForOtherRequest(key: string): StripeFailure {
  const message =
    `Keys for idempotent requests can only be used with the same parameters they were first used with. ` +
    `Try using a key other than '${key}' if you meant to execute a different request.`;
  return new StripeFailure(400, { type: 'idempotency_error', message }, false);
}

export function keyInUse(key: string): StripeFailure {
  const message =
    `There is currently another in-progress request using this Stripe-Idempotency-Key ` +
    `(that probably means you submitted twice, and the other request is still going through): ${key}. ` +
    `If you want to run the request a second time, use a different key.`;
  return new StripeFailure(409, { type: 'idempotency_error', code: 'idempotency_key_in_use', message }, false);
}

/** A declined card: HTTP 402. */
export function cardDeclined(details: { code: string; declineCode?: string; message: string; charge?: string }): StripeFailure {
  const body: StripeErrorBody = { type: 'card_error', code: details.code, message: details.message };
  if (details.declineCode !== undefined) body.decline_code = details.declineCode;
  if (details.charge !== undefined) body.charge = details.charge;
  return new StripeFailure(402, body, true);
}
