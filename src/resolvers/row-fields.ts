import type { GraphQLFieldResolver } from 'graphql';
import type { Grant } from '../entities/grant.js';
import type { Order } from '../entities/order.js';
import type { Refund } from '../entities/refund.js';
import type { Transaction } from '../entities/transaction.js';
import type { BalanceRead } from '../services/accounts/balances.js';
import type { SubscriptionAtVersion } from '../services/catalogue/subscription-rows.js';
import type { Money } from '../services/money.js';
import type { Context } from './context.js';

type Plain<Row> = GraphQLFieldResolver<Row, unknown>;
type Loaded<Row> = GraphQLFieldResolver<Row, Context>;

const money = (amount: number, currency: string): Money => ({ amount, currency });

/**
 * Fields that follow from their row alone. They stand here as bare functions, and not in resolver classes, because they run
 * once per row: a class's method costs an instance, its parameters and a promise each time.
 */
export const rowFields = {
  Subscription: {
    pricePerDay: ((row) => money(row.pricePerDay, row.currency)) satisfies Plain<SubscriptionAtVersion>,
    price: ((row) => money(row.price, row.currency)) satisfies Plain<SubscriptionAtVersion>,
    stripeSync: ((row) => ({
      status: row.stripeSyncStatus,
      syncedAt: row.stripeSyncedAt,
      attempts: row.stripeSyncAttempts,
      lastError: row.stripeSyncError,
    })) satisfies Plain<SubscriptionAtVersion>,
  },
  Grant: {
    pricePerDay: ((row) => money(row.pricePerDay, row.currency)) satisfies Plain<Grant>,
  },
  Refund: {
    amount: ((row) => money(row.amount, row.currency)) satisfies Plain<Refund>,
  },
  Transaction: {
    amount: ((row) => money(row.amount, row.currency)) satisfies Plain<Transaction>,
    balanceAfter: ((row) => money(row.balanceAfter, row.currency)) satisfies Plain<Transaction>,
  },
  Order: {
    amount: ((row) => money(row.amount, row.currency)) satisfies Plain<Order>,
    // The page is gone once the order is paid or closed, or its session's time is over.
    checkoutUrl: ((row, _args, { now }) =>
      row.status === 'OPEN' && row.expiresAt > now ? row.checkoutUrl : null) satisfies Loaded<Order>,
  },
  Balance: {
    posted: ((row) => money(row.posted, row.currency)) satisfies Plain<BalanceRead>,
    held: ((row) => money(row.held, row.currency)) satisfies Plain<BalanceRead>,
    available: ((row) => money(row.posted - row.held, row.currency)) satisfies Plain<BalanceRead>,
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

/** All of them: what they give follows from the row and the loaders, and they take no arguments. */
export const rowResolvers: ReadonlySet<unknown> = new Set(Object.values(rowFields).flatMap((fields) => Object.values(fields)));
