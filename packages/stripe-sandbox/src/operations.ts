import type Stripe from 'stripe';
import type { RefundBody } from './bodies.js';
import type { Operation } from './operation.js';
import { accountOperations } from './resources/account.js';
import { balanceTransactionOperations } from './resources/balance-transactions.js';
import { chargeOperations } from './resources/charges.js';
import { checkoutSessionOperations } from './resources/checkout-sessions.js';
import { customerOperations } from './resources/customers.js';
import { disputeOperations } from './resources/disputes.js';
import { eventOperations } from './resources/events.js';
import { paymentIntentOperations } from './resources/payment-intents.js';
import { priceOperations } from './resources/prices.js';
import { productOperations } from './resources/products.js';
import { refundOperations } from './resources/refunds.js';
import { lineItemList } from './resources/session-items.js';
import type { World } from './world.js';

/** All API operations that the sandbox supports. */
export const operations: readonly Operation[] = [
  ...accountOperations,
  ...balanceTransactionOperations,
  ...chargeOperations,
  ...checkoutSessionOperations,
  ...customerOperations,
  ...disputeOperations,
  ...eventOperations,
  ...paymentIntentOperations,
  ...priceOperations,
  ...productOperations,
  ...refundOperations,
];

/** Properties that Stripe omits unless `expand[]` names them; undefined if there is no such property. */
export function includedOnRequest(world: World, owner: object, name: string): unknown {
  if (!('object' in owner && 'id' in owner && typeof owner.id === 'string')) return undefined;
  if (owner.object === 'checkout.session' && name === 'line_items') return lineItemList(world, owner.id);
  if (owner.object === 'charge' && name === 'refunds') return refundList(world, owner.id);
  return undefined;
}

function refundList(world: World, charge: string): Stripe.ApiList<RefundBody> {
  const refunds = world.store.refunds.rowsWhere('charge', charge).reverse();
  return { object: 'list', data: refunds.slice(0, 10), has_more: refunds.length > 10, url: `/v1/charges/${charge}/refunds` };
}
