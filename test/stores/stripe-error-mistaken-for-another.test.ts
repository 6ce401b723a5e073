import { describe, expect, test } from '@jest/globals';
import Stripe from 'stripe';
import { classifyStripeError, withIdempotencyKey } from '../../src/stores/stripe.js';

const { errors } = Stripe;
const api = (statusCode: number, code?: string) =>
  new errors.StripeAPIError({ type: 'api_error', message: 'm', statusCode, code } as never);

describe('A failed call to Stripe', () => {
  test.each([
    ['without a connection, or with a timeout', 'RETRYABLE', new errors.StripeConnectionError({ message: 'm' } as never)],
    ['with status 500', 'RETRYABLE', api(500)],
    ['with status 503', 'RETRYABLE', api(503)],
    ['with a key that is in use', 'RETRYABLE', api(409, 'idempotency_key_in_use')],
    ['on a lock that is held', 'RETRYABLE', api(429, 'lock_timeout')],
    ['after too many requests', 'RETRYABLE', new errors.StripeRateLimitError({ message: 'm', statusCode: 429 } as never)],
    [
      'after too many requests, reported as 400,',
      'RETRYABLE',
      new errors.StripeRateLimitError({ message: 'm', statusCode: 400, code: 'rate_limit' } as never),
    ],
    ['with a wrong request', 'DEFINITE', new errors.StripeInvalidRequestError({ message: 'm', statusCode: 400 } as never)],
    [
      'on something that is not found',
      'DEFINITE',
      new errors.StripeInvalidRequestError({ message: 'm', statusCode: 404 } as never),
    ],
    ['on a declined card', 'DEFINITE', new errors.StripeCardError({ message: 'm', statusCode: 402 } as never)],
    ['with a wrong API key', 'MISCONFIGURED', new errors.StripeAuthenticationError({ message: 'm', statusCode: 401 } as never)],
    ['without a permission', 'MISCONFIGURED', new errors.StripePermissionError({ message: 'm', statusCode: 403 } as never)],
    [
      'with a key that was used for something else',
      'MISCONFIGURED',
      new errors.StripeIdempotencyError({ message: 'm', statusCode: 400 } as never),
    ],
  ])('%s is %s', (_what, kind, error) => {
    expect(classifyStripeError(error)).toBe(kind);
  });

  test('by a defect of ours is none of these', () => {
    expect(classifyStripeError(new TypeError('m'))).toBeNull();
  });
});

describe('an idempotency key', () => {
  const kept = new errors.StripeAPIError({ message: 'm', statusCode: 500, headers: { 'idempotent-replayed': 'true' } } as never);

  test('is changed only after a failure that Stripe keeps, to the same next one each time', async () => {
    const keys: string[] = [];
    const result = await withIdempotencyKey('k', async ({ idempotencyKey }) => {
      keys.push(idempotencyKey);
      if (keys.length < 3) throw kept;
      return 'done';
    });
    expect([result, keys]).toEqual(['done', ['k', 'k-2', 'k-3']]);
  });

  test('is not changed after any other failure, and not for ever', async () => {
    let calls = 0;
    const failing = (error: unknown) =>
      withIdempotencyKey('k', async () => {
        calls += 1;
        throw error;
      });
    await expect(failing(api(500))).rejects.toThrow();
    expect(calls).toBe(1);
    await expect(failing(kept)).rejects.toThrow();
    expect(calls).toBe(6);
  });
});
