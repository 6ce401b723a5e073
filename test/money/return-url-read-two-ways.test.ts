import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Refusal } from '../../src/services/errors.js';
import { checkReturnUrl } from '../../src/services/purchases/return-url.js';
import { CardShop } from '../support/card-shop.js';

const ORIGINS = [
  'https://films.example',
  'http://localhost:4000',
  'https://xn--mller-kva.example',
  'http://127.0.0.1:4000',
  'http://[::1]:4000',
];
const check = (url: string | null) => checkReturnUrl(url, ORIGINS, 'https://films.example/?order={ORDER_ID}');

describe('A return URL', () => {
  test.each([
    ['https://films.example', 'https://films.example/'],
    ['HTTPS://Films.Example:443/a', 'https://films.example/a'],
    ['http://localhost:4000/demo?viewer=1&order={ORDER_ID}', 'http://localhost:4000/demo?viewer=1&order={ORDER_ID}'],
    ['https://films.example/orders/{ORDER_ID}/done', 'https://films.example/orders/{ORDER_ID}/done'],
    ['https://films.example/#/orders/{ORDER_ID}', 'https://films.example/#/orders/{ORDER_ID}'],
    ['https://films.example/{ORDER_ID}?a={ORDER_ID}#{ORDER_ID}', 'https://films.example/{ORDER_ID}?a={ORDER_ID}#{ORDER_ID}'],
    ['https://films.example/?order=%7BORDER_ID%7d', 'https://films.example/?order={ORDER_ID}'],
    ['https://films.example/?s={CHECKOUT_SESSION_ID}', 'https://films.example/?s={CHECKOUT_SESSION_ID}'],
    ['https://films.example/{other}?a=[1]|^`#{x}', 'https://films.example/%7Bother%7D?a=%5B1%5D%7C%5E%60#%7Bx%7D'],
    ['https://films.example/a/../b/./%2e%2e/c', 'https://films.example/c'],
    ['https://films.example//evil.example', 'https://films.example//evil.example'],
    ['https://films.example/café?q=ü#ß', 'https://films.example/caf%C3%A9?q=%C3%BC#%C3%9F'],
    ['https://films.example/?next=https://evil.example/@', 'https://films.example/?next=https://evil.example/@'],
    ['https://müller.example/', 'https://xn--mller-kva.example/'],
    ['http://127.1:4000/', 'http://127.0.0.1:4000/'],
    ['http://[0:0::1]:4000/', 'http://[::1]:4000/'],
  ])('%s is used as %s', (given, used) => {
    expect(check(given)).toBe(used);
    // What is used reads the same to the parser and to a reader that knows only RFC 3986.
    expect(check(used)).toBe(used);
    expect(used.replaceAll(/\{(ORDER_ID|CHECKOUT_SESSION_ID)\}/g, 'x')).toMatch(/^[\w\-.~:/?#[\]@!$&'()*+,;=%]+$/);
  });

  test.each([
    '',
    ' ',
    'films.example/a',
    '//films.example/a',
    '/a',
    'https:films.example',
    'https:/films.example/a',
    'https:///films.example/a',
    'https:\\\\films.example\\a',
    'https://films.example\\@evil.example',
    'https://films.example/a\\b',
    ' https://films.example/a',
    'https://films.example/a ',
    'https://films.example/a b',
    'https://films.example/a\u00a0b',
    'https://films.example/a\u2028b',
    'https://films.example/\ufeff',
    'ht\ntps://films.example/a',
    'https://films\t.example/a',
    'https://films.example/a\r\nSet-Cookie: x',
    'https://films.example/a\0',
    'https://films.example/a\u007f',
    'https://films.example/a\u0085',
    'https://films.example/\ud800',
    'https://films.example/%',
    'https://films.example/%zz',
    'https://films.example/?a=%e',
    'blob:https://films.example/1-2-3',
    'javascript:alert(1)',
    'javascript://films.example/%0aalert(1)',
    'data:text/html,x',
    'ftp://films.example/',
    'file://films.example/',
    'view-source:https://films.example/',
    'https://user@films.example/',
    'https://user:word@films.example/',
    'https://@films.example/',
    'https://:@films.example/',
    'https://films.example@evil.example/',
    'https://films.example:@evil.example/',
    'https://evil.example/',
    'https://films.example.evil.example/',
    'https://films.example./',
    'https://films.example:444/',
    'https://films.example:65536/',
    'https://films.example:-1/',
    'https://films.example:{ORDER_ID}/',
    'https://{ORDER_ID}/',
    'https://?a',
    'https://#a',
    'https://',
    'http://films.example/',
    'https://localhost:4000/',
    `https://films.example/${'a'.repeat(2_000)}`,
    `https://films.example/${'é'.repeat(400)}`,
    'https://films.example/\u202e'.padEnd(1_999, '\u202e'),
  ])('%j is INVALID_INPUT, with its field named', (given) => {
    expect(() => check(given)).toThrow(Refusal);
    try {
      check(given);
    } catch (error) {
      expect((error as Refusal).error).toMatchObject({ code: 'INVALID_INPUT', path: ['input', 'returnUrl'] });
    }
  });

  test('that is left out is the default', () => {
    expect(check(null)).toBe('https://films.example/?order={ORDER_ID}');
  });
});

describe('The return URL of an order', () => {
  let shop: CardShop;
  beforeAll(async () => {
    shop = await CardShop.open();
  });
  afterAll(() => shop.close());

  test('is the parsed one, where it is stored and where it is sent to Stripe', async () => {
    const viewer = await shop.viewer();
    const returnUrl = 'HTTPS://Films.Test:443/caf\u00e9/../{ORDER_ID}?a=[1]&order=%7BORDER_ID%7D#/{ORDER_ID}';
    const input = { amount: 500, currency: 'USD', idempotencyKey: 'return-url-1', returnUrl };
    const { order, errors } = await shop.desk.purchases.topUp(viewer, input);
    expect(errors).toEqual([]);
    expect(order?.returnUrl).toBe('https://films.test/{ORDER_ID}?a=%5B1%5D&order={ORDER_ID}#/{ORDER_ID}');
    const session = await shop.stripe.checkout.sessions.retrieve(order?.stripeSessionId as string);
    const sent = `https://films.test/${order?.id}?a=%5B1%5D&order=${order?.id}#/${order?.id}`;
    expect([session.success_url, session.cancel_url]).toEqual([sent, sent]);
  });

  test('is refused before anything is stored or asked of Stripe', async () => {
    const viewer = await shop.viewer();
    const input = { amount: 500, currency: 'USD', idempotencyKey: 'return-url-2', returnUrl: 'blob:https://films.test/1' };
    const { order, errors } = await shop.desk.purchases.topUp(viewer, input);
    expect([order, errors]).toEqual([
      undefined,
      [expect.objectContaining({ code: 'INVALID_INPUT', path: ['input', 'returnUrl'] })],
    ]);
    expect(await shop.db.rows(`select id from orders where user_id = '${viewer.userId}'`)).toEqual([]);
  });
});
