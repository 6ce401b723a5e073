import { Api, UserError } from './api.js';
import { welcomeBack } from './back-from-checkout.js';
import { currencySign, days, grantStatusText, kindText, minorUnits, moneyText, refundText } from './format.js';
import { log, notice, run, showError } from './notices.js';
import * as operations from './operations.js';
import { byId, element, filmTile, grantRow, hintRow, planCard, transactionRow } from './parts.js';
import { confirmRefund } from './refund-dialog.js';

const state = { plans: [], films: [], grants: new Map(), history: new Map(), balance: null, older: null };
let api;
let viewer;

// ---- rendering

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
  if (films.length === 0) byId('film-list').append(hintRow(noFilmsText(wanted, titled.length > 0)));
  byId('film-list').removeAttribute('aria-busy');
  const open = state.films.filter((film) => film.access.allowed).length;
  byId('film-count').textContent = `${open} of ${state.films.length} films available to you`;
}

function noFilmsText(wanted, hasUnavailableMatches) {
  if (hasUnavailableMatches) return "You can't watch any of these yet. Choose a plan above.";
  return wanted === '' ? 'There are no films yet.' : `No film title contains “${wanted}”.`;
}

function showGrants() {
  const grants = [...state.grants.values()].sort((one, other) => other.grantedAt.localeCompare(one.grantedAt));
  const rows = grants.map((grant) => grantRow(grant, refundGrant));
  byId('grant-list').replaceChildren(...(rows.length > 0 ? rows : [hintRow('No plans yet. Choose one above.')]));
}

function showHistory() {
  const rows = [...state.history.values()].sort((one, other) => other.version - one.version);
  byId('history').replaceChildren(...rows.map((row) => transactionRow(row, refundTopUp)));
  if (rows.length === 0)
    byId('history').append(element('tr', {}, element('td', { colSpan: 4, className: 'hint' }, 'No transactions yet.')));
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

function showConnection(connection) {
  byId('connection').dataset.state = connection;
  byId('connection').textContent = connection;
}

// ---- loading

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
  // A live change reloads only the newest page; older pages that the viewer has loaded stay.
  if (after || state.older === null) state.older = transactions.pageInfo.hasNextPage ? transactions.pageInfo.endCursor : null;
  showHistory();
}

/** Debounces reloads: several changes at once (a purchase makes three) cause one request. */
const soon = (() => {
  const timers = new Map();
  return (name, work) => {
    clearTimeout(timers.get(name));
    timers.set(
      name,
      setTimeout(() => work().catch(showError), 80),
    );
  };
})();

function showBalanceChange({ cursor, balance, transaction }, { resumed }) {
  state.balance = balance;
  showBalance();
  if (transaction) state.history.set(transaction.id, transaction);
  showHistory();
  const what = transaction ? `${kindText[transaction.kind]} ${moneyText(transaction.amount)}, ` : '';
  const text = `Balance: ${what}${moneyText(balance.available)} available, version ${balance.version}`;
  log(resumed ? `Resumed. ${text}` : text, cursor);
  if (transaction) soon('history', () => loadHistory());
}

function showGrantChange({ cursor, grant }, { resumed }) {
  state.grants.set(grant.id, grant);
  showGrants();
  const text = `Grant: ${grant.subscription.title} is ${grantStatusText[grant.status].toLowerCase()}`;
  log(resumed ? `Resumed. ${text}` : text, cursor);
  if (state.films.length > 0) soon('access', loadAccess);
}

/** Discards everything shown, which may be out of date, and loads it again. */
async function reloadAll() {
  Object.assign(state, { grants: new Map(), history: new Map(), older: null });
  log('Missed changes are no longer available. Reloading everything.');
  await Promise.all([loadCatalogue(), loadGrants(), loadHistory()]);
}

function followChanges() {
  const mine = api;
  const whileMine =
    (work) =>
    (...args) => {
      if (mine === api) work(...args);
    };
  const onExpired = whileMine(() => soon('all', reloadAll));
  const onError = whileMine((message) => log(`Live updates failed: ${message}`));
  mine.follow(operations.BALANCE_CHANGED, { onChange: whileMine(showBalanceChange), onExpired, onError });
  mine.follow(operations.GRANT_CHANGED, { onChange: whileMine(showGrantChange), onExpired, onError });
}

// ---- actions

/** The server replaces `{ORDER_ID}`. */
const returnUrl = () => `${location.origin}/demo?viewer=${viewer.id}&order={ORDER_ID}`;

const buy = (plan, payWith) =>
  run(async () => {
    const input = { subscriptionId: plan.id, payWith, idempotencyKey: crypto.randomUUID() };
    if (payWith === 'CARD') input.returnUrl = returnUrl();
    const { order } = await api.ask(operations.PURCHASE, { input });
    if (payWith === 'CARD') await goToCheckout(order);
    else notice(`You now have access to ${plan.title} for ${days(plan.durationDays)}.`);
  });

/** An order that has just been paid no longer has a checkout page. */
async function goToCheckout(order) {
  if (order.checkoutUrl) location.assign(order.checkoutUrl);
  else await welcomeBack(api, order.id);
}

function topUp(event) {
  event.preventDefault();
  const currency = state.balance?.available.currency ?? state.plans[0]?.price.currency ?? 'USD';
  const amount = minorUnits(byId('amount').value, currency);
  byId('amount').setAttribute('aria-invalid', String(amount === null));
  byId('amount-fault').textContent = amount === null ? 'Enter an amount such as 20.00.' : '';
  if (amount === null) return;
  run(async () => {
    const input = { amount, currency, idempotencyKey: crypto.randomUUID(), returnUrl: returnUrl() };
    const { order } = await api.ask(operations.TOP_UP, { input });
    await goToCheckout(order);
  });
}

const refundGrant = (grant) =>
  run(async () => {
    const fresh = await api.ask(operations.QUOTE, { id: grant.id });
    state.grants.set(fresh.id, fresh);
    const quote = fresh.refundQuote;
    if (!quote) {
      showGrants();
      throw new UserError('This plan can no longer be refunded.');
    }
    const choice = await confirmRefund({
      title: `Cancel and refund ${grant.subscription.title}?`,
      text: `You'll get back ${moneyText(quote.amount)} for ${quote.unusedDays} unused ${quote.unusedDays === 1 ? 'day' : 'days'}. Your access ends immediately.`,
      yes: 'Cancel and refund',
      no: 'Keep my plan',
      destination: quote.destination,
    });
    if (!choice) return;
    const input = { grantId: grant.id, idempotencyKey: crypto.randomUUID() };
    if (quote.destination === 'CARD') input.destination = choice.destination;
    const { refund } = await api.ask(operations.REFUND_GRANT, { input });
    notice(refundText(refund));
  });

const refundTopUp = (transaction) =>
  run(async () => {
    const { refundable } = transaction;
    const choice = await confirmRefund({
      title: 'Refund this payment to your card?',
      text: `You can refund up to ${moneyText(refundable)} to the card you paid with.`,
      yes: 'Refund to card',
      no: 'Keep in my balance',
      refundable,
    });
    if (!choice) return;
    const amount = minorUnits(choice.amount, refundable.currency);
    const input = { transactionId: transaction.id, amount, idempotencyKey: crypto.randomUUID() };
    const { refund } = await api.ask(operations.REFUND_TRANSACTION, { input });
    notice(refundText(refund));
  });

// ---- switching viewers

async function switchViewer(next) {
  api?.end();
  viewer = next;
  sessionStorage.setItem('demo:viewer', viewer.id);
  Object.assign(state, { grants: new Map(), history: new Map(), balance: null, older: null });
  byId('log').replaceChildren();
  byId('disconnect').textContent = 'Simulate disconnect';
  byId('disconnect').setAttribute('aria-pressed', 'false');
  showConnection('connecting');
  const mine = new Api(viewer.token, (connection) => mine === api && showConnection(connection));
  api = mine;
  followChanges();
  await Promise.all([loadCatalogue(), loadGrants(), loadHistory()]);
}

function toggleConnection() {
  const disconnect = !api.isDisconnected;
  if (disconnect) api.disconnect();
  else api.reconnect();
  byId('disconnect').textContent = disconnect ? 'Reconnect' : 'Simulate disconnect';
  byId('disconnect').setAttribute('aria-pressed', String(disconnect));
  log(disconnect ? 'You disconnected.' : 'You reconnected.');
}

async function start() {
  const response = await fetch('/demo/viewers').catch(() => {
    throw new UserError("Can't reach the server. Is it running?");
  });
  if (!response.ok) throw new UserError(`Can't load the demo viewers: the server responded with ${response.status}.`);
  const viewers = await response.json();
  const parameters = new URL(location.href).searchParams;
  const wanted = parameters.get('viewer') ?? sessionStorage.getItem('demo:viewer');
  const select = byId('viewer');
  select.append(...viewers.map(({ id, name }) => element('option', { value: id }, name)));
  const first = viewers.find(({ id }) => id === wanted) ?? viewers[0];
  select.value = first.id;
  select.onchange = () => run(() => switchViewer(viewers.find(({ id }) => id === select.value)));
  byId('top-up').onsubmit = topUp;
  byId('disconnect').onclick = toggleConnection;
  byId('search').oninput = showFilms;
  byId('only-open').onchange = showFilms;
  byId('older').onclick = () => run(() => loadHistory(state.older));
  await switchViewer(first);
  const orderId = parameters.get('order');
  if (orderId) await welcomeBack(api, orderId);
}

run(start);
