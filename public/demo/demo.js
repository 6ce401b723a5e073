import { Api, SayIt } from './api.js';
import * as operations from './operations.js';
import { element, filmTile, grantRow, hintRow, logLine, planCard, transactionRow } from './parts.js';
import { currencySign, days, grantStatusText, kindText, minorUnits, moneyText } from './words.js';

const byId = (id) => document.getElementById(id);
const state = { plans: [], films: [], grants: new Map(), history: new Map(), balance: null, older: null };
let api;
let viewer;

// ---- words to the viewer

function notice(words, { bad = false, actions = [] } = {}) {
  const box = element(
    'div',
    { className: bad ? 'notice bad' : 'notice', role: bad ? 'alert' : 'status' },
    element('p', {}, words),
    ...actions,
  );
  box.append(
    element(
      'button',
      { type: 'button', className: 'quiet small', onclick: () => box.remove(), 'aria-label': 'Close this message' },
      'Close',
    ),
  );
  byId('notices').replaceChildren(box);
  return box;
}

function tell(error) {
  if (!(error instanceof SayIt)) console.error(error);
  notice(error instanceof SayIt ? error.message : 'Something in this page went wrong. Reload it, please.', { bad: true });
}

/** Runs what a button does: one at a time, its failure in words. */
async function run(work) {
  document.body.setAttribute('aria-busy', 'true');
  try {
    return await work();
  } catch (error) {
    tell(error);
    return undefined;
  } finally {
    document.body.removeAttribute('aria-busy');
  }
}

function log(words, cursor) {
  const list = byId('log');
  list.prepend(logLine(words, cursor));
  while (list.children.length > 60) list.lastChild.remove();
}

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

function followChanges() {
  const mine = api;
  const onError = (message) => log(`Refused: ${message}`);
  mine.follow(
    operations.BALANCE_CHANGED,
    ({ cursor, balance, transaction }, { resumed }) => {
      if (mine !== api) return;
      state.balance = balance;
      showBalance();
      if (transaction) state.history.set(transaction.id, transaction);
      showHistory();
      const what = transaction ? `${kindText[transaction.kind]} ${moneyText(transaction.amount)}, ` : '';
      log(
        `${resumed ? 'Resumed. ' : ''}Balance: ${what}${moneyText(balance.available)} available, version ${balance.version}`,
        cursor,
      );
      if (transaction) soon('history', () => loadHistory());
    },
    onError,
  );
  mine.follow(
    operations.GRANT_CHANGED,
    ({ cursor, grant }, { resumed }) => {
      if (mine !== api) return;
      state.grants.set(grant.id, grant);
      showGrants();
      log(
        `${resumed ? 'Resumed. ' : ''}Grant: ${grant.subscription.title} is ${grantStatusText[grant.status].toLowerCase()}`,
        cursor,
      );
      if (state.films.length > 0) soon('access', loadAccess);
    },
    onError,
  );
}

// ---- what the viewer does

/** `{ORDER_ID}` is filled in by the server. */
const returnUrl = () => `${location.origin}/demo?viewer=${viewer.id}&order={ORDER_ID}`;

const buy = (plan, payWith) =>
  run(async () => {
    const input = { subscriptionId: plan.id, payWith, idempotencyKey: crypto.randomUUID() };
    if (payWith === 'CARD') input.returnUrl = returnUrl();
    const { order } = await api.ask(operations.PURCHASE, { input });
    if (payWith === 'CARD') location.assign(order.checkoutUrl);
    else notice(`${plan.title} is yours for ${days(plan.durationDays)}.`);
  });

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
    location.assign(order.checkoutUrl);
  });
}

/** What is wrong with a part of what can be given back; empty when nothing is. */
function amountFault(text, refundable) {
  const amount = minorUnits(text, refundable.currency);
  if (amount === null) return 'Write an amount such as 20.00.';
  if (amount === 0) return 'Write more than nothing.';
  return amount > refundable.amount ? `At most ${moneyText(refundable)} can go back.` : '';
}

/** Asks before money moves; resolves to the choices, or to null when the viewer keeps it. */
function confirmRefund({ title, words, destination, refundable }) {
  byId('dialog-title').textContent = title;
  byId('dialog-words').textContent = words;
  byId('dialog-choice').hidden = destination !== 'CARD';
  byId('dialog-destination').value = 'CARD';
  byId('dialog-part').hidden = !refundable;
  byId('dialog-fault').textContent = '';
  if (refundable) byId('dialog-amount').value = moneyText(refundable).replaceAll(/[^\d.]/g, '');
  byId('dialog-amount').removeAttribute('aria-invalid');
  if (refundable) byId('dialog-currency').textContent = currencySign(refundable.currency);
  const dialog = byId('dialog');
  dialog.returnValue = 'no';
  // A wrong amount is said where it was written: the dialog stays.
  byId('dialog-form').onsubmit = (event) => {
    const fault = refundable && event.submitter?.value === 'yes' ? amountFault(byId('dialog-amount').value, refundable) : '';
    if (!fault) return;
    event.preventDefault();
    byId('dialog-fault').textContent = fault;
    byId('dialog-amount').setAttribute('aria-invalid', 'true');
    byId('dialog-amount').focus();
  };
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.onclose = () =>
      resolve(
        dialog.returnValue === 'yes'
          ? { destination: byId('dialog-destination').value, amount: byId('dialog-amount').value }
          : null,
      );
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

// ---- back from the checkout page

function openOrderNotice(order) {
  const pay = element('a', { href: order.checkoutUrl }, 'Go on paying');
  const cancel = element('button', { type: 'button', className: 'quiet small' }, 'Cancel the order');
  const box = notice(`${order.subscription?.title ?? 'The top-up'} (${moneyText(order.amount)}) is not paid yet.`, {
    actions: [pay, cancel],
  });
  cancel.onclick = () =>
    run(async () => {
      await api.ask(operations.CANCEL_ORDER, { id: order.id });
      box.remove();
      notice('The order is cancelled. Nothing was paid.');
    });
}

async function welcomeBack(orderId) {
  let order;
  for (let attempt = 0; attempt < 5; attempt += 1) {
    order = await api.ask(operations.ORDER, { id: orderId });
    if (order?.status !== 'OPEN') break;
    await new Promise((resolve) => setTimeout(resolve, 400));
  }
  const url = new URL(location.href);
  url.searchParams.delete('order');
  history.replaceState(null, '', url);
  if (!order) notice('There is no such order of this viewer.', { bad: true });
  else if (order.status === 'OPEN') openOrderNotice(order);
  else if (order.status === 'PAID') {
    notice(
      order.kind === 'TOP_UP' ? `${moneyText(order.amount)} are in your balance.` : `Paid. ${order.subscription.title} is yours.`,
    );
  } else
    notice(order.status === 'EXPIRED' ? 'The order is closed. Nothing was paid.' : 'The payment failed. Nothing was paid.', {
      bad: true,
    });
}

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
  if (orderId) await welcomeBack(orderId);
}

run(start);
