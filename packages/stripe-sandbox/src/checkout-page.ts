import type { LineItemBody, SessionBody } from './bodies.js';
import { pageStyle } from './checkout-style.js';
import { moneyText } from './money-text.js';
import { TEST_CARDS } from './test-cards.js';
import type { World } from './world.js';

/** What the payer has entered, and the error to show. */
export interface CheckoutForm {
  card: string;
  problem: string | null;
}

/** The page of an open session: order summary, payment methods and a link back. It works without scripts. */
export function checkoutPage(world: World, session: SessionBody, form: CheckoutForm): string {
  const items = world.store.lineItems.rowsWhere('session', session.id).map((row) => row.item);
  const total = moneyText(session.amount_total, session.currency);
  return page(
    `Pay ${total}`,
    `<main>
${summary(items, total, session)}
<section aria-labelledby="pay-heading">
<h1 id="pay-heading">Pay ${total}</h1>
${form.problem === null ? '' : problemBox(form.problem)}
${session.amount_total === 0 ? freeForm() : `${cardForm(form, total)}${cardList(session, form.card)}${bankForms()}`}
${backLink(session)}
</section>
</main>`,
  );
}

/** The page of a session that is complete or expired. */
export function closedPage(world: World, session: SessionBody): string {
  const expired = session.status === 'expired';
  const title = expired ? 'This checkout has expired' : 'This checkout is complete';
  const text = expired ? 'You have not been charged. Go back to the shop and start again.' : describePayment(world, session);
  const address = expired ? session.cancel_url : session.success_url.replaceAll('{CHECKOUT_SESSION_ID}', session.id);
  const link = address === null ? '' : `<p><a class="button" href="${escapeHtml(address)}">Back to the shop</a></p>`;
  return page(title, `<main class="single"><section><h1>${title}</h1><p>${text}</p>${link}</section></main>`);
}

function describePayment(world: World, session: SessionBody): string {
  if (session.payment_status === 'paid') return 'Your payment was successful.';
  if (session.payment_status === 'no_payment_required') return 'No payment was required.';
  const intent = session.payment_intent === null ? undefined : world.store.paymentIntents.get(session.payment_intent);
  return intent?.status === 'processing' ? 'Your payment is being processed by the bank.' : 'The bank declined the payment.';
}

export function missingPage(): string {
  return page(
    'Checkout not found',
    `<main class="single"><section><h1>Checkout not found</h1>
    <p>There is no checkout at this address. The sandbox may have been reset since the link was created.</p></section></main>`,
  );
}

function summary(items: readonly LineItemBody[], total: string, session: SessionBody): string {
  const rows = items.map((item) => {
    const quantity = item.quantity !== null && item.quantity > 1 ? ` <span class="quiet">× ${item.quantity}</span>` : '';
    const name = escapeHtml(item.description ?? 'Item');
    return `<li><span>${name}${quantity}</span><span class="amount">${moneyText(item.amount_total, item.currency)}</span></li>`;
  });
  const email = session.customer_email === null ? '' : `<p class="quiet">For ${escapeHtml(session.customer_email)}</p>`;
  const expires = new Date(session.expires_at * 1000).toISOString().slice(0, 16).replace('T', ' ');
  return `<section class="summary" aria-labelledby="order-heading">
<h2 id="order-heading">Order summary</h2>
<ul class="items">${rows.join('')}</ul>
<p class="total"><span>Total</span><span class="amount">${total}</span></p>
${email}<p class="quiet">Expires ${expires} UTC</p>
</section>`;
}

function problemBox(problem: string): string {
  return `<p class="problem" role="alert" id="problem"><strong>Payment failed.</strong> ${escapeHtml(problem)} You can try again.</p>`;
}

function cardForm(form: CheckoutForm, total: string): string {
  const described = form.problem === null ? '' : ' aria-invalid="true" aria-describedby="problem"';
  return `<form method="post">
<label for="card">Card number</label>
<input id="card" name="card" inputmode="numeric" autocomplete="off" required maxlength="32"
 placeholder="4242 4242 4242 4242" value="${escapeHtml(form.card)}" autofocus${described}>
<button class="button" type="submit">Pay ${total}</button>
</form>`;
}

/** The test cards, each a link that fills in the form. */
function cardList(session: SessionBody, chosen: string): string {
  const digits = chosen.replaceAll(/[\s-]/g, '');
  const rows = TEST_CARDS.map((card) => {
    const shown = card.number.replaceAll(/(\d{4})(?=\d)/g, '$1 ');
    const current = card.number === digits ? ' aria-current="true"' : '';
    const address = `/checkout/${encodeURIComponent(session.id)}?card=${encodeURIComponent(shown)}`;
    const mark = card.decline === null ? 'pays' : 'declines';
    return `<li><a href="${address}"${current}><code>${shown}</code><span class="${mark}">${card.title}</span></a></li>`;
  });
  return `<h2 class="minor">Test cards</h2>
<p class="quiet">Select a card to fill in its number. Other card numbers are rejected.</p>
<ul class="cards">${rows.join('')}</ul>`;
}

function bankForms(): string {
  return `<h2 class="minor">Bank debit (delayed)</h2>
<p class="quiet">The checkout completes before the payment does; the debit succeeds or fails a few seconds later, or when <code>/sandbox/checkout/…/settle</code> is called.</p>
<div class="pair">
<form method="post"><input type="hidden" name="method" value="delayed_success">
<button class="button second" type="submit">Debit that succeeds later</button></form>
<form method="post"><input type="hidden" name="method" value="delayed_failure">
<button class="button second" type="submit">Debit that fails later</button></form>
<form method="post"><input type="hidden" name="method" value="delayed_until_settled">
<button class="button second" type="submit">Debit that stays pending</button></form>
</div>`;
}

function freeForm(): string {
  return `<form method="post"><input type="hidden" name="card" value="4242424242424242">
<button class="button" type="submit">Complete the order</button></form>
<p class="quiet">No payment is required.</p>`;
}

function backLink(session: SessionBody): string {
  if (session.cancel_url === null) return '';
  return `<p class="back"><a href="${escapeHtml(session.cancel_url)}">Cancel and go back</a></p>`;
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<link rel="icon" href="data:,">
<title>${title} · Sandbox checkout</title>
<style>${pageStyle}</style>
</head>
<body>
<header role="banner"><strong>SANDBOX</strong> <span>This is not Stripe. No real money moves; never enter a real card number.</span></header>
${body}
</body>
</html>
`;
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
