import type Stripe from 'stripe';
import { operation } from '../operation.js';

export const accountOperations = [
  operation(
    {
      name: 'accounts.retrieveCurrent',
      method: 'GET',
      path: '/v1/account',
      parameters: {},
    },
    ({ world }) => {
      const account: Stripe.Account = {
        id: world.accountId,
        object: 'account',
        business_type: null,
        charges_enabled: true,
        country: 'US',
        default_currency: 'usd',
        details_submitted: true,
        email: 'sandbox@example.com',
        metadata: {},
        payouts_enabled: true,
        type: 'standard',
      };
      return account;
    },
  ),
];
