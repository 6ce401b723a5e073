import type Stripe from 'stripe';

/**
 * The objects that the sandbox stores and returns: the pinned SDK's own types, with references to other objects as plain ids. Builders
 * are annotated with these, so that the compiler checks every field against the SDK.
 */
type Narrow<Base, Narrowed extends Partial<Record<keyof Base, unknown>>> = Omit<Base, keyof Narrowed> & Narrowed;

export type ProductBody = Narrow<
  Omit<Stripe.Product, 'deleted'>,
  { default_price: string | null; tax_code: string | null; unit_label: string | null; statement_descriptor: string | null }
>;
/** In JSON the decimal is a string; the SDK converts it to its Decimal. */
export type PriceBody = Narrow<Omit<Stripe.Price, 'deleted'>, { product: string; unit_amount_decimal: string | null }>;
export type CustomerBody = Narrow<Omit<Stripe.Customer, 'deleted'>, { default_source: null; test_clock: null }>;
export type CustomerRow = CustomerBody | Stripe.DeletedCustomer;
export type LineItemBody = Narrow<Stripe.LineItem, { price: PriceBody }>;
export type SessionBody = Narrow<
  Stripe.Checkout.Session,
  {
    amount_subtotal: number;
    amount_total: number;
    currency: string;
    customer: string | null;
    metadata: Record<string, string>;
    payment_intent: string | null;
    status: 'open' | 'complete' | 'expired';
    payment_status: 'paid' | 'unpaid' | 'no_payment_required';
    success_url: string;
  }
>;
export type PaymentIntentBody = Narrow<
  Stripe.PaymentIntent,
  { customer: string | null; latest_charge: string | null; payment_method: string | null }
>;
export type ChargeBody = Narrow<
  Stripe.Charge,
  {
    balance_transaction: string | null;
    customer: string | null;
    payment_intent: string;
    status: 'failed' | 'pending' | 'succeeded';
  }
>;
type RefundStatus = 'pending' | 'succeeded' | 'failed' | 'canceled' | 'requires_action';
export type RefundBody = Narrow<
  Stripe.Refund,
  { balance_transaction: string | null; charge: string; payment_intent: string; customer: string | null; status: RefundStatus }
>;
export type BalanceTransactionBody = Narrow<Stripe.BalanceTransaction, { source: string }>;
type DisputeStatus = 'needs_response' | 'under_review' | 'won' | 'lost' | WarningStatus;
type WarningStatus = 'warning_needs_response' | 'warning_under_review' | 'warning_closed';
export type DisputeBody = Narrow<
  Stripe.Dispute,
  { balance_transactions: BalanceTransactionBody[]; charge: string; payment_intent: string; status: DisputeStatus }
>;

/** Each event type that the sandbox sends, and the object it contains. */
export interface EventObjects {
  'charge.dispute.closed': DisputeBody;
  'charge.dispute.created': DisputeBody;
  'charge.dispute.funds_reinstated': DisputeBody;
  'charge.dispute.funds_withdrawn': DisputeBody;
  'charge.dispute.updated': DisputeBody;
  'charge.failed': ChargeBody;
  'charge.pending': ChargeBody;
  'charge.refund.updated': RefundBody;
  'charge.refunded': ChargeBody;
  'charge.succeeded': ChargeBody;
  'charge.updated': ChargeBody;
  'checkout.session.async_payment_failed': SessionBody;
  'checkout.session.async_payment_succeeded': SessionBody;
  'checkout.session.completed': SessionBody;
  'checkout.session.expired': SessionBody;
  'customer.created': CustomerBody;
  'customer.deleted': CustomerBody;
  'customer.updated': CustomerBody;
  'payment_intent.canceled': PaymentIntentBody;
  'payment_intent.created': PaymentIntentBody;
  'payment_intent.payment_failed': PaymentIntentBody;
  'payment_intent.processing': PaymentIntentBody;
  'payment_intent.succeeded': PaymentIntentBody;
  'price.created': PriceBody;
  'price.updated': PriceBody;
  'product.created': ProductBody;
  'product.updated': ProductBody;
  'refund.created': RefundBody;
  'refund.failed': RefundBody;
  'refund.updated': RefundBody;
}
export type EventType = keyof EventObjects;

/** Events whose object differs from the SDK's type (except prices, because of the decimal): there must be none, or this does not compile. */
type Misfits = {
  [Type in EventType]: EventObjects[Type] extends PriceBody | Extract<Stripe.Event, { type: Type }>['data']['object']
    ? never
    : Type;
}[EventType];
const misfits: [Misfits] extends [never] ? true : Misfits = true;
void misfits;

/** The API version of these bodies, which is the SDK's. */
export const API_VERSION: Stripe.LatestApiVersion = '2026-10-28.endive';
