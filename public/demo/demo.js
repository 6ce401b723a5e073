import { Api, SayIt } from './api.js';
import { welcomeBack } from './back-from-checkout.js';
import { log, notice, run, tell } from './notices.js';
import * as operations from './operations.js';
import { byId, element, filmTile, grantRow, hintRow, planCard, transactionRow } from './parts.js';
import { confirmRefund } from './refund-dialog.js';
import { currencySign, days, grantStatusText, kindText, minorUnits, moneyText } from './words.js';

const state = { plans: [], films: [], grants: new Map(), history: new Map(), balance: null, older: null };
let api;
let viewer;

// ---- what is shown

function showPlans() {
  byId('plan-list').replaceChildren(...state.plans.map((plan) => planCard(plan, state.balance, buy)));
  byId('plan-list').removeAttribute('aria-busy');
}

function showFilms() {
  const wanted = byId('search').value.trim();
  const onlyOpen = byId('only-open').checked;
  const titled = state.films.filter((film) => film.title.toLowerCase().includes(wanted.toLowerCase()));
  const films = titled.filter((film) => !onlyOpen || film.access.allowed);
  byId('film-list').replaceChildren(...films.map(filmTile));
  if (films.length === 0) byId('film-list').append(hintRow(noFilmWords(wanted, titled.length > 0)));
  byId('film-list').removeAttribute('aria-busy');
  const open = state.films.filter((film) => film.access.allowed).length;
  byId('film-count').textContent = `${open} of ${state.films.length} may be watched`;
}

function noFilmWords(wanted, thereAreClosedOnes) {
  if (thereAreClosedOnes) return 'None of these may be watched yet. Choose a plan above.';
  return wanted === '' ? 'There are no films yet.' : `No film has “${wanted}” in its title.`;
}

function showGrants() {
  const grants = [...state.grants.values()].sort((one, other) => other.grantedAt.localeCompare(one.grantedAt));
  const rows = grants.map((grant) => grantRow(grant, giveBack));
  byId('grant-list').replaceChildren(...(rows.length > 0 ? rows : [hintRow('Nothing yet. Choose a plan above.')]));
}

function showHistory() {
  const rows = [...state.history.values()].sort((one, other) => other.version - one.version);
  byId('history').replaceChildren(...rows.map((row) => transactionRow(row, giveTopUpBack)));
  if (rows.length === 0)
    byId('history').append(element('tr', {}, element('td', { colSpan: 4, className: 'hint' }, 'Nothing has moved yet.')));
  byId('older').hidden = state.older === null;
}

function showBalance() {
  const { available, held } = state.balance;
  const field = byId('available');
  const text = moneyText(available);
  if (field.textContent !== text) {
    field.textContent = text;
    field.classList.remove('changed');
    void field.offsetWidth;
    field.classList.add('changed');
  }
  byId('held').textContent = held.amount > 0 ? `and ${moneyText(held)} held` : 'available';
  byId('currency').textContent = currencySign(available.currency);
  byId('amount').title = available.currency;
  showPlans();
}

function showLine(line) {
  const words = { live: 'live', connecting: 'connecting', cut: 'line cut' };
  byId('line').dataset.state = line;
  byId('line').textContent = words[line];
}

// ---- what is loaded

async function loadCatalogue() {
  const { films, subscriptions } = await api.askAll(operations.CATALOGUE);
  state.films = films.nodes;
  state.plans = subscriptions.nodes;
  showPlans();
  showFilms();
}

async function loadAccess() {
  const decisions = await api.ask(operations.ACCESS, { filmIds: state.films.map((film) => film.id) });
  state.films = state.films.map((film, index) => ({ ...film, access: decisions[index] }));
  showFilms();
}

async function loadGrants() {
  const { grants } = await api.ask(operations.GRANTS);
  for (const grant of grants.nodes) state.grants.set(grant.id, grant);
  showGrants();
}

async function loadHistory(after) {
  const { transactions } = await api.ask(operations.HISTORY, after ? { after } : {});
  for (const transaction of transactions.nodes) state.history.set(transaction.id, transaction);
  // A live change reloads the newest page; how far back the viewer has gone stays.
  if (after || state.older === null) state.older = transactions.pageInfo.hasNextPage ? transactions.pageInfo.endCursor : null;
  showHistory();
}

/** Several changes at once (a purchase is three) ask once. */
const soon = (() => {
  const timers = new Map();
  return (name, work) => {
    clearTimeout(timers.get(name));
    timers.set(
      name,
      setTimeout(() => work().catch(tell), 80),
    );
  };
})();

function showBalanceChange({ cursor, balance, transaction }, { resumed }) {
  state.balance = balance;
  showBalance();
  if (transaction) state.history.set(transaction.id, transaction);
  showHistory();
  const what = transaction ? `${kindText[transaction.kind]} ${moneyText(transaction.amount)}, ` : '';
  const words = `Balance: ${what}${moneyText(balance.available)} available, version ${balance.version}`;
  log(resumed ? `Resumed. ${words}` : words, cursor);
  if (transaction) soon('history', () => loadHistory());
}

function showGrantChange({ cursor, grant }, { resumed }) {
  state.grants.set(grant.id, grant);
  showGrants();
  const words = `Grant: ${grant.subscription.title} is ${grantStatusText[grant.status].toLowerCase()}`;
  log(resumed ? `Resumed. ${words}` : words, cursor);
  if (state.films.length > 0) soon('access', loadAccess);
}

/** What is shown may not be so any more, a grant that is gone for instance: it is dropped and loaded anew. */
async function loadAfresh() {
  Object.assign(state, { grants: new Map(), history: new Map(), older: null });
  log('What happened meanwhile is no longer kept: everything is loaded anew.');
  await Promise.all([loadCatalogue(), loadGrants(), loadHistory()]);
}

function followChanges() {
  const mine = api;
  const whileMine =
    (work) =>
    (...given) => {
      if (mine === api) work(...given);
    };
  const onExpired = whileMine(() => soon('afresh', loadAfresh));
  const onError = whileMine((message) => log(`Refused: ${message}`));
  mine.follow(operations.BALANCE_CHANGED, { onChange: whileMine(showBalanceChange), onExpired, onError });
  mine.follow(operations.GRANT_CHANGED, { onChange: whileMine(showGrantChange), onExpired, onError });
}

// ---- what the viewer does

/** `{ORDER_ID}` is filled in by the server. */
const returnUrl = () => `${location.origin}/demo?viewer=${viewer.id}&order={ORDER_ID}`;

const buy = (plan, payWith) =>
  run(async () => {
    const input = { subscriptionId: plan.id, payWith, idempotencyKey: crypto.randomUUID() };
    if (payWith === 'CARD') input.returnUrl = returnUrl();
    const { order } = await api.ask(operations.PURCHASE, { input });
    if (payWith === 'CARD') await goToCheckout(order);
    else notice(`${plan.title} is yours for ${days(plan.durationDays)}.`);
  });

/** An order that was paid just then has no checkout any more. */
async function goToCheckout(order) {
  if (order.checkoutUrl) location.assign(order.checkoutUrl);
  else await welcomeBack(api, order.id);
}

function topUp(event) {
  event.preventDefault();
  const currency = state.balance?.available.currency ?? state.plans[0]?.price.currency ?? 'USD';
  const amount = minorUnits(byId('amount').value, currency);
  byId('amount').setAttribute('aria-invalid', String(amount === null));
  byId('amount-fault').textContent = amount === null ? 'Write an amount such as 20.00.' : '';
  if (amount === null) return;
  run(async () => {
    const input = { amount, currency, idempotencyKey: crypto.randomUUID(), returnUrl: returnUrl() };
    const { order } = await api.ask(operations.TOP_UP, { input });
    await goToCheckout(order);
  });
}

const giveBack = (grant) =>
  run(async () => {
    const fresh = await api.ask(operations.QUOTE, { id: grant.id });
    state.grants.set(fresh.id, fresh);
    const quote = fresh.refundQuote;
    if (!quote) {
      showGrants();
      throw new SayIt('Nothing of it can be given back any more.');
    }
    const title = `Give ${grant.subscription.title} back?`;
    const words = `${days(quote.unusedDays)} not yet begun: ${moneyText(quote.amount)}. Access ends at once.`;
    const choice = await confirmRefund({ title, words, destination: quote.destination });
    if (!choice) return;
    const input = { grantId: grant.id, idempotencyKey: crypto.randomUUID() };
    if (quote.destination === 'CARD') input.destination = choice.destination;
    const { refund } = await api.ask(operations.REFUND_GRANT, { input });
    const where = refund.destination === 'CARD' ? 'on its way to the card' : 'in your balance';
    notice(
      `${moneyText(refund.amount)} ${refund.status === 'SUCCEEDED' && refund.destination === 'CARD' ? 'went back to the card' : `is ${where}`}.`,
    );
  });

const giveTopUpBack = (transaction) =>
  run(async () => {
    const { refundable } = transaction;
    const words = `Up to ${moneyText(refundable)} can go back to the card that paid.`;
    const choice = await confirmRefund({ title: 'Give the top-up back?', words, refundable });
    if (!choice) return;
    const amount = minorUnits(choice.amount, refundable.currency);
    const input = { transactionId: transaction.id, amount, idempotencyKey: crypto.randomUUID() };
    const { refund } = await api.ask(operations.REFUND_TRANSACTION, { input });
    notice(`${moneyText(refund.amount)} ${refund.status === 'PENDING' ? 'is on its way' : 'went back'} to the card.`);
  });

// ---- one viewer after the other

async function become(next) {
  api?.end();
  viewer = next;
  sessionStorage.setItem('demo:viewer', viewer.id);
  Object.assign(state, { grants: new Map(), history: new Map(), balance: null, older: null });
  byId('log').replaceChildren();
  byId('cut').textContent = 'Cut the line';
  byId('cut').setAttribute('aria-pressed', 'false');
  showLine('connecting');
  const mine = new Api(viewer.token, (line) => mine === api && showLine(line));
  api = mine;
  followChanges();
  await Promise.all([loadCatalogue(), loadGrants(), loadHistory()]);
}

function toggleLine() {
  const cutNow = !api.isCut;
  if (cutNow) api.cut();
  else api.reconnect();
  byId('cut').textContent = cutNow ? 'Reconnect' : 'Cut the line';
  byId('cut').setAttribute('aria-pressed', String(cutNow));
  log(cutNow ? 'You cut the line.' : 'You reconnected.');
}

async function start() {
  const response = await fetch('/demo/viewers').catch(() => {
    throw new SayIt('The server cannot be reached. Is it running?');
  });
  if (!response.ok) throw new SayIt(`The demo's viewers cannot be had: the server answered with ${response.status}.`);
  const viewers = await response.json();
  const parameters = new URL(location.href).searchParams;
  const wanted = parameters.get('viewer') ?? sessionStorage.getItem('demo:viewer');
  const select = byId('viewer');
  select.append(...viewers.map(({ id, name }) => element('option', { value: id }, name)));
  const first = viewers.find(({ id }) => id === wanted) ?? viewers[0];
  select.value = first.id;
  select.onchange = () => run(() => become(viewers.find(({ id }) => id === select.value)));
  byId('top-up').onsubmit = topUp;
  byId('cut').onclick = toggleLine;
  byId('search').oninput = showFilms;
  byId('only-open').onchange = showFilms;
  byId('older').onclick = () => run(() => loadHistory(state.older));
  await become(first);
  const orderId = parameters.get('order');
  if (orderId) await welcomeBack(api, orderId);
}

run(start);
