import { describe, expect, test } from '@jest/globals';
import { classifyEvent, EVENT_TYPES } from '../../src/services/stripe-events/accept-event.js';

const ours = { liveMode: false, accountId: 'acct_ours', apiVersion: '2026-10-28.endive' };
const event = {
  type: 'refund.created',
  livemode: false,
  account: undefined as unknown as string,
  api_version: '2026-10-28.endive',
};

describe('What is done with an event that has arrived', () => {
  test.each(EVENT_TYPES)('%s is processed', (type) => {
    expect(classifyEvent({ ...event, type }, ours)).toEqual({ status: 'RECEIVED' });
  });

  test('all types that have an effect fit into one list call of Stripe', () => {
    expect(EVENT_TYPES.length).toBeLessThanOrEqual(20);
  });

  test.each([
    ['of a type without effect', { type: 'customer.created' }, 'customer.created'],
    ['of live mode with a test key', { livemode: true }, "Stripe's live mode"],
    ['of another account', { account: 'acct_other' }, 'acct_other'],
    ['of another API version', { api_version: '2025-09-30.clover' }, '2025-09-30.clover'],
    ['without an API version', { api_version: null }, 'unknown'],
  ])('one %s is kept and ignored, and the record says why', (_what, change, words) => {
    const reception = classifyEvent({ ...event, ...change }, ours);
    expect(reception).toEqual({ status: 'IGNORED', reason: expect.stringContaining(words) });
  });

  test('a later monthly release of the same API version has the same shapes', () => {
    expect(classifyEvent({ ...event, api_version: '2026-12-16.endive' }, ours).status).toBe('RECEIVED');
  });

  test('one that names our own account is ours', () => {
    expect(classifyEvent({ ...event, account: 'acct_ours' }, ours).status).toBe('RECEIVED');
  });

  test('a live key takes live events and no test events', () => {
    expect(classifyEvent({ ...event, livemode: true }, { ...ours, liveMode: true }).status).toBe('RECEIVED');
    expect(classifyEvent(event, { ...ours, liveMode: true }).status).toBe('IGNORED');
  });
});
