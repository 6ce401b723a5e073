import { describe, expect, test } from '@jest/globals';
import { newId } from '../../src/services/ids.js';
import { isOurRefund, refundNamedBy } from '../../src/services/refunds/decide-refund.js';

type Theirs = Parameters<typeof isOurRefund>[0];
type Ours = Parameters<typeof isOurRefund>[1];

describe("rule 8: whether Stripe's refund is the one that was asked for", () => {
  const id = newId();
  const theirs = (change: object = {}) =>
    ({ id: 're_1', amount: 400, currency: 'usd', metadata: { refund_id: id }, payment_intent: 'pi_1', ...change }) as Theirs;
  const ours = (change: Partial<Ours> = {}): Ours => ({
    id,
    origin: 'REQUEST',
    destination: 'CARD',
    stripeRefundId: null,
    amount: 400,
    currency: 'USD',
    ...change,
  });
  test.each<[string, Theirs, Ours, string | null]>([
    ['with our metadata, payment, amount and currency', theirs(), ours(), 'pi_1'],
    ['with the payment as an object', theirs({ payment_intent: { id: 'pi_1' } }), ours(), 'pi_1'],
    ['with the recorded id, whatever else it says,', theirs({ amount: 1, metadata: {} }), ours({ stripeRefundId: 're_1' }), null],
  ])('%s is the one that was asked for', (_words, theirRefund, ourRefund, paymentIntentId) => {
    expect(isOurRefund(theirRefund, ourRefund, paymentIntentId)).toBe(true);
  });

  test.each<[string, Theirs, Ours, string | null]>([
    ['of another amount', theirs({ amount: 401 }), ours(), 'pi_1'],
    ['in another currency', theirs({ currency: 'eur' }), ours(), 'pi_1'],
    ['of another payment', theirs({ payment_intent: 'pi_2' }), ours(), 'pi_1'],
    ['of no payment, while ours has none,', theirs({ payment_intent: null }), ours(), null],
    ['with the metadata of another refund', theirs({ metadata: { refund_id: newId() } }), ours(), 'pi_1'],
    ['without metadata', theirs({ metadata: null }), ours(), 'pi_1'],
    ['with the metadata of a refund to the balance', theirs(), ours({ destination: 'BALANCE' }), 'pi_1'],
    ['with the metadata of a refund made at Stripe', theirs(), ours({ origin: 'STRIPE' }), 'pi_1'],
    ['with another id than the recorded one', theirs(), ours({ stripeRefundId: 're_2' }), 'pi_1'],
  ])('%s is not the one that was asked for', (_words, theirRefund, ourRefund, paymentIntentId) => {
    expect(isOurRefund(theirRefund, ourRefund, paymentIntentId)).toBe(false);
  });

  test('is named by its metadata only with a UUID, in any case of its letters', () => {
    expect(refundNamedBy({ metadata: { refund_id: id.toUpperCase() } })).toBe(id);
    expect(refundNamedBy({ metadata: { refund_id: `${id}x` } })).toBeNull();
    expect(refundNamedBy({ metadata: {} })).toBeNull();
  });
});
