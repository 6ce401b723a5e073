import { describe, expect, test } from '@jest/globals';
import Stripe from 'stripe';
import { classifyStripeError, withIdempotencyKey } from '../../src/stores/stripe.js';

const { errors } = Stripe;
const api = (statusCode: number, code?: string) =>
  new errors.StripeAPIError({ type: 'api_error', message: 'm', statusCode, code } as never);

describe('an error of Stripe', () => {
  test.each([
    ['no connection, or a timeout', new errors.StripeConnectionError({ message: 'm' } as never), 'RETRYABLE'],
    ['500', api(500), 'RETRYABLE'],
    ['503', api(503), 'RETRYABLE'],
    ['a key that is in use', api(409, 'idempotency_key_in_use'), 'RETRYABLE'],
    ['a lock that is held', api(429, 'lock_timeout'), 'RETRYABLE'],
    ['too many requests', new errors.StripeRateLimitError({ message: 'm', statusCode: 429 } as never), 'RETRYABLE'],
    [
      'too many requests, reported as 400',
      new errors.StripeRateLimitError({ message: 'm', statusCode: 400, code: 'rate_limit' } as never),
      'RETRYABLE',
    ],
    ['a wrong request', new errors.StripeInvalidRequestError({ message: 'm', statusCode: 400 } as never), 'DEFINITE'],
    ['nothing found', new errors.StripeInvalidRequestError({ message: 'm', statusCode: 404 } as never), 'DEFINITE'],
    ['a declined card', new errors.StripeCardError({ message: 'm', statusCode: 402 } as never), 'DEFINITE'],
    ['a wrong API key', new errors.StripeAuthenticationError({ message: 'm', statusCode: 401 } as never), 'MISCONFIGURED'],
    ['a missing permission', new errors.StripePermissionError({ message: 'm', statusCode: 403 } as never), 'MISCONFIGURED'],
    [
      'a key used for something else',
      new errors.StripeIdempotencyError({ message: 'm', statusCode: 400 } as never),
      'MISCONFIGURED',
    ],
    ['a defect of ours', new TypeError('m'), null],
  ])('%s', (_what, error, kind) => {
    expect(classifyStripeError(error)).toBe(kind);
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
