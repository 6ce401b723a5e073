import type { LineItemBody, SessionBody } from '../bodies.js';
import { newIdentifier } from '../identifiers.js';
import { MAX_SESSION_SECONDS, SHORTEST_SESSION_SECONDS } from '../limits.js';
import { moneyText } from '../money-text.js';
import { invalidRequest, refused } from '../stripe-error.js';
import type { World } from '../world.js';

/** The smallest totals that Stripe charges, in minor units: https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts */
const SMALLEST_TOTALS: Readonly<Record<string, number>> = { usd: 50, eur: 50, gbp: 30, chf: 50, aud: 50, cad: 50, jpy: 50 };

export interface NewSession {
  cancelUrl: string | null;
  clientReferenceId: string | null;
  customer: string | null;
  customerEmail: string | null;
  customerCreation: SessionBody['customer_creation'];
  expiresAt: number | undefined;
  items: readonly [LineItemBody, ...LineItemBody[]];
  locale: SessionBody['locale'];
  metadata: Record<string, string>;
  submitType: SessionBody['submit_type'];
  successUrl: string;
  total: number;
}

/** A new, unpaid session. */
export function buildSession(world: World, given: NewSession): SessionBody {
  const id = newIdentifier('cs_test');
  const created = world.clock.nowSeconds();
  const [{ currency }] = given.items;
  refuseTooSmall(given.total, currency);
  return {
    id,
    object: 'checkout.session',
    adaptive_pricing: { enabled: false },
    after_expiration: null,
    allow_promotion_codes: null,
    allowed_payment_method_types: null,
    amount_subtotal: given.total,
    amount_total: given.total,
    automatic_tax: { enabled: false, liability: null, provider: null, status: null },
    billing_address_collection: null,
    cancel_url: given.cancelUrl,
    client_reference_id: given.clientReferenceId,
    client_secret: null,
    collected_information: null,
    consent: null,
    consent_collection: null,
    created,
    currency,
    currency_conversion: null,
    custom_fields: [],
    custom_text: { after_submit: null, shipping_address: null, submit: null, terms_of_service_acceptance: null },
    customer: given.customer,
    customer_account: null,
    customer_creation: given.customerCreation,
    customer_details: null,
    customer_email: given.customerEmail,
    discounts: [],
    expires_at: checkedExpiry(given.expiresAt, created),
    integration_identifier: null,
    invoice: null,
    invoice_creation: null,
    livemode: false,
    locale: given.locale,
    managed_payments: null,
    metadata: given.metadata,
    mode: 'payment',
    origin_context: null,
    payment_intent: null,
    payment_link: null,
    payment_method_collection: 'always',
    payment_method_configuration_details: null,
    payment_method_options: {},
    payment_method_types: ['card', currency === 'eur' ? 'sepa_debit' : 'us_bank_account'],
    payment_status: 'unpaid',
    permissions: null,
    phone_number_collection: { enabled: false },
    recovered_from: null,
    saved_payment_method_options: null,
    setup_intent: null,
    shipping_address_collection: null,
    shipping_cost: null,
    shipping_options: [],
    status: 'open',
    submit_type: given.submitType,
    subscription: null,
    success_url: given.successUrl,
    total_details: { amount_discount: 0, amount_shipping: 0, amount_tax: 0 },
    ui_mode: 'hosted_page',
    url: `${world.publicUrl}/checkout/${id}`,
    wallet_options: null,
  };
}

function checkedExpiry(expiresAt: number | undefined, now: number): number {
  if (expiresAt === undefined) return now + MAX_SESSION_SECONDS;
  if (expiresAt < now + SHORTEST_SESSION_SECONDS) {
    throw invalidRequest('The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.', {
      param: 'expires_at',
    });
  }
  if (expiresAt <= now + MAX_SESSION_SECONDS) return expiresAt;
  throw invalidRequest('The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.', {
    param: 'expires_at',
  });
}

function refuseTooSmall(total: number, currency: string): void {
  const smallest = SMALLEST_TOTALS[currency] ?? 0;
  if (total === 0 || total >= smallest) return;
  const message = `The Checkout Session's total amount due must add up to at least ${moneyText(smallest, currency)} ${currency}`;
  throw refused(message, { code: 'amount_too_small' });
}
