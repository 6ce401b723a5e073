import {
  accessText,
  briefAccessText,
  briefDateText,
  dateText,
  days,
  grantStatusText,
  moneyText,
  transactionText,
} from './format.js';

export const byId = (id) => document.getElementById(id);

/** Creates an element with properties and children. Strings become text, never markup. */
export function element(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith('aria-') || name.startsWith('data-') || name === 'role') node.setAttribute(name, value);
    else node[name] = value;
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** The accessible name starts with the visible label, so voice control works (WCAG 2.5.3). */
function button(label, description, onclick, className = '') {
  return element('button', { type: 'button', className, onclick, 'aria-label': description }, label);
}

export function planCard(plan, balance, buy) {
  const short = balance ? plan.price.amount - balance.available.amount : 0;
  const fromBalance = button('Pay from balance', `Pay from balance: ${plan.title}`, () => buy(plan, 'BALANCE'), 'quiet');
  fromBalance.disabled = short > 0;
  const titles = plan.films.nodes.map((film) => film.title);
  return element(
    'li',
    { className: 'plan' },
    element('h3', {}, plan.title),
    element('p', { className: 'price' }, moneyText(plan.price), element('small', {}, ` for ${days(plan.durationDays)}`)),
    element('p', {}, plan.description),
    element(
      'details',
      {},
      element('summary', {}, `${titles.length}${plan.films.pageInfo.hasNextPage ? '+' : ''} films`),
      element('p', {}, titles.join(', ')),
    ),
    element(
      'p',
      { className: 'actions' },
      button('Buy by card', `Buy by card: ${plan.title}`, () => buy(plan, 'CARD')),
      fromBalance,
    ),
    short > 0 &&
      element('p', { className: 'hint' }, `Top up ${moneyText({ ...plan.price, amount: short })} more to pay from your balance.`),
  );
}

/** A number derived from the title, so that a film always has the same poster. */
function numberOf(title) {
  let hash = 7;
  for (const letter of title) hash = (hash * 31 + letter.codePointAt(0)) % 997;
  return hash;
}

/** Parses "Germany 1922, by F. W. Murnau. A story." into place and maker; other descriptions do not start like this. */
function credits(description) {
  const [, place, maker] = /^([^.,]+ \d{4}), by (.+?\p{Ll})\. /u.exec(description ?? '') ?? [];
  return { place, maker };
}

/** A poster of text and one shape, in colour if the viewer can watch the film. The tooltip has the full access text. */
export function filmTile(film) {
  const { allowed } = film.access;
  const { place, maker } = credits(film.description);
  const number = numberOf(film.title);
  const poster = element(
    'div',
    { className: 'poster', 'data-shape': String(number % 5), 'data-colours': String(number % 6) },
    element('h3', {}, film.title),
    maker && element('p', { className: 'credits' }, maker, element('span', {}, place)),
  );
  return element(
    'li',
    { className: allowed ? 'film open' : 'film', title: film.description ?? '', 'data-reason': film.access.reason },
    poster,
    element('p', { className: 'access', title: accessText(film.access) }, briefAccessText(film.access)),
  );
}

export function grantRow(grant, refund) {
  const { refundQuote: quote } = grant;
  const payouts = grant.refunds.map((refundOf) => {
    const where = refundOf.destination === 'CARD' ? 'to your card' : 'to your balance';
    const how = {
      PENDING: 'in progress',
      SUCCEEDED: 'completed',
      FAILED: `failed (${refundOf.failureReason ?? 'no reason given'}); the money is in your balance`,
    };
    return element('p', {}, `Refund of ${moneyText(refundOf.amount)} ${where}: ${how[refundOf.status]}.`);
  });
  return element(
    'li',
    { className: `grant ${grant.status.toLowerCase()}`, 'data-status': grant.status },
    element('h3', {}, grant.subscription.title),
    element('span', { className: 'tag' }, grantStatusText[grant.status]),
    element('p', {}, `${grant.status === 'ACTIVE' ? 'Until' : 'Would have ended on'} ${dateText(grant.availableUntil)}`),
    ...payouts,
    quote && button('Cancel and refund…', `Cancel and refund: ${grant.subscription.title}`, () => refund(grant), 'quiet'),
    grant.status === 'ACTIVE' && !quote && element('p', { className: 'hint' }, 'No unused days left to refund.'),
  );
}

export function transactionRow(transaction, refund) {
  const { amount, refundable } = transaction;
  const sign = amount.amount > 0 ? '+' : '';
  return element(
    'tr',
    { 'data-kind': transaction.kind },
    element(
      'td',
      {},
      element(
        'time',
        { dateTime: transaction.createdAt, title: dateText(transaction.createdAt) },
        briefDateText(transaction.createdAt),
      ),
    ),
    element(
      'td',
      {},
      transactionText(transaction),
      ' ',
      refundable?.amount > 0 &&
        button('Refund to card…', `Refund to card: up to ${moneyText(refundable)}`, () => refund(transaction), 'quiet small'),
    ),
    element('td', { className: amount.amount < 0 ? 'number out' : 'number in' }, `${sign}${moneyText(amount)}`),
    element('td', { className: 'number' }, moneyText(transaction.balanceAfter)),
  );
}

export function logLine(text, cursor) {
  const time = new Date().toLocaleTimeString('en', { hour12: false });
  return element('li', {}, element('time', {}, time), ` ${text}`, cursor ? element('code', { title: 'cursor' }, cursor) : '');
}

/** The placeholder of an empty list. */
export const hintRow = (text) => element('li', { className: 'hint' }, text);
