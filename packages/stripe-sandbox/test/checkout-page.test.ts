import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Kit, openSession, paidSession, startKit } from './sandbox-kit.js';

let kit: Kit;
beforeAll(async () => {
  kit = await startKit();
});
afterAll(() => kit.stop());

/** What a browser without scripts does. */
async function visit(url: string) {
  const response = await fetch(url);
  return { status: response.status, headers: response.headers, html: await response.text() };
}

async function submit(url: string, fields: Record<string, string>) {
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams(fields), redirect: 'manual' });
  return { status: response.status, location: response.headers.get('location'), html: await response.text() };
}

describe('The checkout page', () => {
  it('shows that it is a sandbox, the items and the total', async () => {
    const session = await openSession(kit.stripe, 1_299, { customer_email: 'ann@example.com' });
    const page = await visit(String(session.url));
    expect(page.status).toBe(200);
    for (const words of ['SANDBOX', 'No real money moves', 'Nosferatu', '$12.99', 'ann@example.com', 'Pay $12.99']) {
      expect(page.html).toContain(words);
    }
    expect(page.html).toContain('<label for="card">Card number</label>');
    expect(page.html).toContain('href="http://127.0.0.1:9/shop">Cancel and go back');
  });

  it('works without scripts and loads nothing from other hosts', async () => {
    const page = await visit(String((await openSession(kit.stripe)).url));
    expect(page.html).not.toMatch(/<script|<link(?! rel="icon" href="data:,")|<img|@import|url\(/);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(page.headers.get('cache-control')).toBe('no-store');
  });

  it('lists the test cards, each a link that fills in its number', async () => {
    const session = await openSession(kit.stripe);
    const page = await visit(String(session.url));
    for (const card of ['4242 4242 4242 4242', '4000 0000 0000 9995', '4000 0000 0000 0002']) expect(page.html).toContain(card);
    const address = /href="(\/checkout\/[^"]*9995)"/.exec(page.html)?.[1];
    const filled = await visit(kit.sandbox.url + address);
    expect(filled.html).toContain('value="4000 0000 0000 9995"');
  });

  it('sends the payer back to the shop with the session’s id', async () => {
    const session = await openSession(kit.stripe);
    const paid = await submit(String(session.url), { card: '4242 4242 4242 4242' });
    expect(paid).toMatchObject({ status: 303, location: `http://127.0.0.1:9/thanks?session=${session.id}` });
    expect((await kit.stripe.checkout.sessions.retrieve(session.id)).payment_status).toBe('paid');
  });

  it('explains a decline and lets the payer try again', async () => {
    const session = await openSession(kit.stripe);
    const declined = await submit(String(session.url), { card: '4000 0000 0000 9995' });
    expect(declined.status).toBe(200);
    expect(declined.html).toContain('role="alert"');
    expect(declined.html).toContain('Your card has insufficient funds. You can try again.');
    expect((await submit(String(session.url), { card: '4242424242424242' })).status).toBe(303);
  });

  it('accepts a bank debit that succeeds later, and one that fails later', async () => {
    for (const method of ['delayed_success', 'delayed_failure']) {
      const session = await openSession(kit.stripe);
      expect((await submit(String(session.url), { method })).status).toBe(303);
      const page = await visit(`${kit.sandbox.url}/checkout/${session.id}`);
      expect(page.html).toContain('Your payment is being processed');
      kit.sandbox.control.settle(session.id, method === 'delayed_success' ? 'succeeded' : 'failed');
      const settled = await visit(`${kit.sandbox.url}/checkout/${session.id}`);
      expect(settled.html).toContain(
        method === 'delayed_success' ? 'Your payment was successful' : 'The bank declined the payment',
      );
    }
  });

  it('asks for no card if the total is zero', async () => {
    const session = await openSession(kit.stripe, 0);
    const page = await visit(String(session.url));
    expect(page.html).not.toContain('Card number');
    expect((await submit(String(session.url), { card: '4242424242424242' })).status).toBe(303);
  });

  it('of a paid or expired session shows its status and cannot be paid again', async () => {
    const { id } = await paidSession(kit);
    const paid = await visit(`${kit.sandbox.url}/checkout/${id}`);
    expect(paid.html).toContain('This checkout is complete');
    expect((await submit(`${kit.sandbox.url}/checkout/${id}`, { card: '4242424242424242' })).status).toBe(409);
    const open = await openSession(kit.stripe);
    await kit.stripe.checkout.sessions.expire(open.id);
    const expired = await visit(String(open.url));
    expect(expired.html).toContain('This checkout has expired');
    expect((await visit(`${kit.sandbox.url}/checkout/cs_test_none`)).status).toBe(404);
  });

  it('escapes names and email addresses, whatever they contain', async () => {
    const session = await openSession(kit.stripe, 900, {
      line_items: [{ price_data: { currency: 'usd', unit_amount: 900, product_data: { name: '<script>alert(1)</script>"' } } }],
      cancel_url: 'http://127.0.0.1:9/"><b>x',
    });
    const page = await visit(`${session.url}?card=%22%3E%3Cscript%3E`);
    expect(page.html).not.toContain('<script');
    expect(page.html).not.toContain('<b>x');
    expect(page.html).toContain('&lt;script&gt;alert(1)');
  });
});
