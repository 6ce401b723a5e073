import type Stripe from 'stripe';
import type { ChargeBody, PaymentIntentBody, SessionBody } from './bodies.js';
import { newIdentifier } from './identifiers.js';
import { bankDebitDetails, cardDetails } from './payment-methods.js';
import { processingFee, recordMovement } from './resources/balance-transactions.js';
import { type ChargeFailure, failureOf, newCharge, type Payer } from './resources/charges.js';
import { expireWhenDue } from './resources/checkout-sessions.js';
import { found } from './resources/found.js';
import { createPaymentIntent } from './resources/payment-intents.js';
import { cardDeclined, refused, type StripeFailure } from './stripe-error.js';
import { type CardDecline, findTestCard, type TestCard, UNKNOWN_CARD } from './test-cards.js';
import type { World } from './world.js';

/** How the customer pays. */
export type PaymentChoice = { card: string } | { method: DelayedMethod };

/** Bank debits: the first two are settled after a delay, the last one only through the control routes. */
export const DELAYED_METHODS = ['delayed_success', 'delayed_failure', 'delayed_until_settled'] as const;
export type DelayedMethod = (typeof DELAYED_METHODS)[number];

/** The result: the updated session, or the decline and the session, which is still open. */
export type PaymentResult = { session: SessionBody; decline: null } | { session: SessionBody; decline: StripeFailure };

/**
 * Pays a session, as the checkout page does. A card is charged immediately; a bank debit completes the session and is settled later; a
 * total of zero charges nothing.
 *
 * @throws invalid_request_error if the session is not open
 */
export function paySession(world: World, sessionId: string, choice: PaymentChoice): PaymentResult {
  const session = expireWhenDue(world, found(world.store.sessions, sessionId, 'checkout.session'));
  if (session.status !== 'open') {
    throw refused(`This Checkout Session cannot be paid: it is ${session.status}.`, { code: 'checkout_session_not_open' });
  }
  if ('card' in choice) {
    const card = findTestCard(choice.card);
    if (card === undefined) return { session, decline: declineFailure(UNKNOWN_CARD) };
    return session.amount_total === 0 ? completeFree(world, session) : chargeCard(world, session, card);
  }
  return session.amount_total === 0 ? completeFree(world, session) : startBankDebit(world, session, choice.method);
}

function completeFree(world: World, session: SessionBody): PaymentResult {
  return { session: complete(world, session, { payment_status: 'no_payment_required' }), decline: null };
}

function chargeCard(world: World, open: SessionBody, card: TestCard): PaymentResult {
  const { store } = world;
  const { session, intent } = withPaymentIntent(world, open);
  const payer = payerOf(world, session);
  const paymentMethod = newIdentifier('pm');
  const details = cardDetails(card);
  if (card.decline !== null) {
    const failure = failureOf(card.decline);
    const charge = newCharge(world, intent, { status: 'failed', details, payer, paymentMethod, failure });
    store.put(store.charges, charge);
    world.publish('charge.failed', charge);
    failIntent(world, intent, charge, failure);
    return { session, decline: declineFailure(card.decline, charge.id) };
  }
  const charge = newCharge(world, intent, { status: 'succeeded', details, payer, paymentMethod });
  store.put(store.charges, charge);
  world.publish('charge.succeeded', charge);
  succeedIntent(world, intent, charge);
  const completed = complete(world, session, { payment_status: 'paid' });
  recordCapture(world, charge);
  return { session: completed, decline: null };
}

function startBankDebit(world: World, open: SessionBody, method: DelayedMethod): PaymentResult {
  const { store, clock, settings, faults } = world;
  const { session, intent } = withPaymentIntent(world, open);
  const paymentMethod = newIdentifier('pm');
  const details = bankDebitDetails(session.currency);
  const charge = newCharge(world, intent, { status: 'pending', details, payer: payerOf(world, session), paymentMethod });
  store.put(store.charges, charge);
  const processing: PaymentIntentBody = {
    ...intent,
    status: 'processing',
    latest_charge: charge.id,
    payment_method: paymentMethod,
    last_payment_error: null,
  };
  store.put(store.paymentIntents, processing);
  world.publish('payment_intent.processing', processing);
  world.publish('charge.pending', charge);
  const held = method === 'delayed_until_settled' || faults.take(['hold_delayed_payments']) !== null;
  store.put(store.scheduled, {
    id: session.id,
    kind: 'payment',
    outcome: method === 'delayed_failure' ? 'failed' : 'succeeded',
    dueAt: held ? null : clock.nowSeconds() + settings.delayedPaymentSeconds,
  });
  return { session: complete(world, session, { payment_status: 'unpaid' }), decline: null };
}

/** Settles a bank debit that is in progress. @throws invalid_request_error if there is none */
export function settleSession(world: World, sessionId: string, outcome: 'succeeded' | 'failed'): SessionBody {
  const { store } = world;
  const session = found(store.sessions, sessionId, 'checkout.session');
  const intent = session.payment_intent === null ? undefined : store.paymentIntents.get(session.payment_intent);
  const pending = intent?.latest_charge == null ? undefined : store.charges.get(intent.latest_charge);
  if (intent?.status !== 'processing' || pending === undefined) {
    throw refused('This Checkout Session has no payment in progress.', { code: 'payment_intent_unexpected_state' });
  }
  store.remove(store.scheduled, sessionId);
  if (outcome === 'failed') return failBankDebit(world, session, intent, pending);
  const charge: ChargeBody = {
    ...pending,
    status: 'succeeded',
    paid: true,
    captured: true,
    amount_captured: pending.amount,
    outcome: pending.outcome === null ? null : { ...pending.outcome, seller_message: 'Payment complete.' },
  };
  store.put(store.charges, charge);
  world.publish('charge.succeeded', charge);
  succeedIntent(world, intent, charge);
  const paid: SessionBody = { ...session, payment_status: 'paid' };
  store.put(store.sessions, paid);
  world.publish('checkout.session.async_payment_succeeded', paid);
  recordCapture(world, charge);
  return paid;
}

function failBankDebit(world: World, session: SessionBody, intent: PaymentIntentBody, pending: ChargeBody): SessionBody {
  const { store } = world;
  const failure: ChargeFailure = {
    code: 'payment_method_customer_decline',
    declineCode: null,
    message: 'The bank did not pay: the account holder refused the debit.',
  };
  const charge: ChargeBody = { ...pending, status: 'failed', failure_code: failure.code, failure_message: failure.message };
  store.put(store.charges, charge);
  world.publish('charge.failed', charge);
  failIntent(world, intent, charge, failure);
  world.publish('checkout.session.async_payment_failed', session);
  return session;
}

/** Returns the session with its payment intent, which is created by the first payment attempt. */
function withPaymentIntent(world: World, session: SessionBody): { session: SessionBody; intent: PaymentIntentBody } {
  const { store } = world;
  const existing = session.payment_intent === null ? undefined : store.paymentIntents.get(session.payment_intent);
  if (existing !== undefined) return { session, intent: existing };
  const data = store.intentData.get(session.id);
  const intent = createPaymentIntent(world, session, {
    metadata: data?.metadata ?? {},
    description: data?.description ?? null,
    receiptEmail: data?.receiptEmail ?? null,
  });
  const linked: SessionBody = { ...session, payment_intent: intent.id };
  return { session: store.put(store.sessions, linked), intent };
}

function succeedIntent(world: World, intent: PaymentIntentBody, charge: ChargeBody): void {
  const succeeded: PaymentIntentBody = {
    ...intent,
    status: 'succeeded',
    amount_received: intent.amount,
    latest_charge: charge.id,
    payment_method: charge.payment_method,
    last_payment_error: null,
  };
  world.store.put(world.store.paymentIntents, succeeded);
  world.publish('payment_intent.succeeded', succeeded);
}

function failIntent(world: World, intent: PaymentIntentBody, charge: ChargeBody, failure: ChargeFailure): void {
  const error: Stripe.PaymentIntent.LastPaymentError = {
    type: 'card_error',
    charge: charge.id,
    code: failure.code,
    message: failure.message,
    payment_method_type: charge.payment_method_details?.type ?? 'card',
  };
  if (failure.declineCode !== null) error.decline_code = failure.declineCode;
  const failed: PaymentIntentBody = {
    ...intent,
    status: 'requires_payment_method',
    latest_charge: charge.id,
    payment_method: null,
    last_payment_error: error,
  };
  world.store.put(world.store.paymentIntents, failed);
  world.publish('payment_intent.payment_failed', failed);
}

/** Adds the money to the balance. Stripe attaches the balance transaction to the charge shortly after the payment (automatic_async). */
function recordCapture(world: World, charge: ChargeBody): void {
  const movement = recordMovement(world, {
    amount: charge.amount,
    currency: charge.currency,
    description: charge.description,
    feeMinorUnits: processingFee(charge.amount),
    reportingCategory: 'charge',
    source: charge.id,
    type: charge.payment_method_details?.type === 'card' ? 'charge' : 'payment',
  });
  const after: ChargeBody = { ...charge, balance_transaction: movement.id };
  world.store.put(world.store.charges, after);
  world.publishChange('charge.updated', charge, after);
}

function complete(world: World, session: SessionBody, change: Pick<SessionBody, 'payment_status'>): SessionBody {
  const payer = payerOf(world, session);
  const completed: SessionBody = {
    ...session,
    ...change,
    status: 'complete',
    url: null,
    customer_details: {
      address: null,
      business_name: null,
      email: payer.email,
      individual_name: null,
      name: payer.name,
      phone: null,
      tax_exempt: 'none',
      tax_ids: [],
    },
  };
  world.store.put(world.store.sessions, completed);
  world.publish('checkout.session.completed', completed);
  return completed;
}

function payerOf(world: World, session: SessionBody): Payer {
  const customer = session.customer === null ? undefined : world.store.customers.get(session.customer);
  const known = customer === undefined || 'deleted' in customer ? undefined : customer;
  return { email: session.customer_email ?? known?.email ?? 'payer@example.com', name: known?.name ?? 'Sandbox Payer' };
}

function declineFailure(decline: CardDecline, charge?: string): StripeFailure {
  return cardDeclined({
    code: decline.code,
    message: decline.message,
    ...(decline.declineCode === null ? {} : { declineCode: decline.declineCode }),
    ...(charge === undefined ? {} : { charge }),
  });
}
