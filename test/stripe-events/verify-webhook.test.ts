import { describe, expect, test } from '@jest/globals';
import Stripe from 'stripe';
import { verifyWebhook } from '../../src/services/stripe-events/accept-event.js';

const now = new Date('2026-11-23T10:00:00.000Z');
const settings = { secrets: ['whsec_new', 'whsec_old'], toleranceSeconds: 300, now };
const event = { id: 'evt_1', object: 'event', type: 'refund.created', data: { object: { id: 're_1' } } };

function sign(payload: string, secret: string, ageSeconds = 0): string {
  const timestamp = Math.floor(now.getTime() / 1000) - ageSeconds;
  return Stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp });
}

function verify(payload: string, signature: string) {
  return verifyWebhook(Buffer.from(payload), signature, settings);
}

describe('The signature of a webhook', () => {
  const payload = JSON.stringify(event);

  test.each(['whsec_new', 'whsec_old'])('by %s is taken: there are several while a secret is rotated', (secret) => {
    expect(verify(payload, sign(payload, secret))).toEqual(event);
  });

  test('is over the bytes as they came', () => {
    const spaced = JSON.stringify(event, null, 3);
    expect(verify(spaced, sign(spaced, 'whsec_new'))).toEqual(event);
    expect(verify(spaced, sign(payload, 'whsec_new'))).toBe('NOT_SIGNED');
  });

  test('by another secret, missing or garbled is refused', () => {
    expect(verify(payload, sign(payload, 'whsec_other'))).toBe('NOT_SIGNED');
    expect(verify(payload, '')).toBe('NOT_SIGNED');
    expect(verify(payload, 't=,v1=')).toBe('NOT_SIGNED');
    expect(verify(payload, sign(payload, 'whsec_new').replace('v1=', 'v0='))).toBe('NOT_SIGNED');
  });

  test('holds for the tolerance to the second, by the injected clock', () => {
    expect(verify(payload, sign(payload, 'whsec_old', 300))).toEqual(event);
    expect(verify(payload, sign(payload, 'whsec_old', 301))).toBe('STALE');
  });

  test.each([
    ['', 'EMPTY'],
    ['{"id":', 'NOT_AN_EVENT'],
    ['null', 'NOT_AN_EVENT'],
    ['[]', 'NOT_AN_EVENT'],
    [JSON.stringify({ ...event, object: 'v2.core.event' }), 'NOT_AN_EVENT'],
    [JSON.stringify({ ...event, id: 7 }), 'NOT_AN_EVENT'],
    [JSON.stringify({ ...event, data: {} }), 'NOT_AN_EVENT'],
  ])('over %j does not make an event of it', (body, refusal) => {
    expect(verify(body, sign(body, 'whsec_new'))).toBe(refusal);
  });
});
