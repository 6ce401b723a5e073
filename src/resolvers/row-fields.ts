import type { GraphQLFieldResolver } from 'graphql';
import type { Order } from '../entities/order.js';
import type { BalanceRead } from '../services/accounts/balances.js';
import type { SubscriptionAtVersion } from '../services/catalogue/subscription-rows.js';
import type { Context } from './context.js';

type Plain<Row> = GraphQLFieldResolver<Row, unknown>;
type Loaded<Row> = GraphQLFieldResolver<Row, Context>;

/**
 * Fields that follow from their row alone. They are plain functions here, not methods of resolver classes, because they run
 * once per row: a class's method costs an instance, its parameters and a promise each time.
 */
export const rowFields = {
  Subscription: {
    stripeSync: ((row) => ({
      status: row.stripeSyncStatus,
      syncedAt: row.stripeSyncedAt,
      attempts: row.stripeSyncAttempts,
      lastError: row.stripeSyncError,
    })) satisfies Plain<SubscriptionAtVersion>,
  },
  Order: {
    // The checkout page no longer exists once the order is paid or closed, or its session has expired.
    checkoutUrl: ((row, _args, { now }) =>
      row.status === 'OPEN' && row.expiresAt > now ? row.checkoutUrl : null) satisfies Loaded<Order>,
  },
  Balance: {
    available: (({ posted, held, currency }) => ({ amount: posted - held, currency })) satisfies Plain<BalanceRead>,
  },
  BalanceChange: {
    transaction: ((change, _args, { loaders }) => loaders.transaction.load(change.transactionId)) satisfies Loaded<{
      transactionId: string | null;
    }>,
  },
  GrantChange: {
    grant: ((change, _args, { loaders }) => loaders.grant.load(change.grantId)) satisfies Loaded<{ grantId: string }>,
  },
  FilmsPayload: {
    films: ((payload) => payload.films ?? []) satisfies Plain<{ films?: readonly unknown[] }>,
  },
};

const rowResolvers = new Set<unknown>(Object.values(rowFields).flatMap((fields) => Object.values(fields)));
const moneyFields = new Map<string, Plain<Record<string, unknown>>>();

/** A Money field: the row's number of minor units in the row's currency, or Money that the row already has. */
export function moneyField(name: string): Plain<Record<string, unknown>> {
  const known = moneyFields.get(name);
  if (known) return known;
  const resolve: Plain<Record<string, unknown>> = (row) => {
    const amount = row[name];
    return typeof amount === 'number' ? { amount, currency: row.currency } : amount;
  };
  moneyFields.set(name, resolve);
  rowResolvers.add(resolve);
  return resolve;
}

/** Whether a resolver uses nothing but the row and the loaders, and no arguments. */
export const isRowResolver = (resolve: unknown): boolean => rowResolvers.has(resolve);
