import type Stripe from 'stripe';
import type { TestCard } from './test-cards.js';

type Details = Stripe.Charge.PaymentMethodDetails;

/** The card details of a charge: only its brand and last four digits. */
export function cardDetails(card: TestCard): Details {
  const cardPart: Stripe.Charge.PaymentMethodDetails.Card = {
    amount_authorized: null,
    authorization_code: null,
    brand: card.brand,
    checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: 'pass' },
    country: 'US',
    electronic_commerce_indicator: null,
    exp_month: 12,
    exp_year: 2034,
    extended_authorization: { status: 'disabled' },
    fingerprint: `Sandbox${card.number.slice(-4)}`,
    funding: 'credit',
    incremental_authorization: { status: 'unavailable' },
    installments: null,
    last4: card.number.slice(-4),
    mandate: null,
    multicapture: { status: 'unavailable' },
    network: card.brand,
    network_token: { used: false },
    network_transaction_id: null,
    regulated_status: 'unregulated',
    three_d_secure: null,
    transaction_link_id: null,
    wallet: null,
  };
  return { type: 'card', card: cardPart };
}

/** A bank debit: SEPA for euros, otherwise from a US bank account. */
export function bankDebitDetails(currency: string): Details {
  if (currency === 'eur') {
    const sepa: Stripe.Charge.PaymentMethodDetails.SepaDebit = {
      bank_code: '37040044',
      branch_code: null,
      country: 'DE',
      fingerprint: 'SandboxSepaDebit',
      last4: '3000',
      mandate: null,
    };
    return { type: 'sepa_debit', sepa_debit: sepa };
  }
  const account: Stripe.Charge.PaymentMethodDetails.UsBankAccount = {
    account_holder_type: 'individual',
    account_type: 'checking',
    bank_name: 'STRIPE TEST BANK',
    fingerprint: 'SandboxBankAccount',
    last4: '6789',
    payment_reference: null,
    routing_number: '110000000',
  };
  return { type: 'us_bank_account', us_bank_account: account };
}
