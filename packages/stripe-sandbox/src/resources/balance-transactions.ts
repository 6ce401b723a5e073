import type { BalanceTransactionBody } from '../bodies.js';
import { newIdentifier } from '../identifiers.js';
import { operation } from '../operation.js';
import { createdParameter, inRange, pageOf, pageParameters } from '../pagination.js';
import { currency, text } from '../parameters.js';
import type { World } from '../world.js';
import { found } from './found.js';

const DAYS_UNTIL_AVAILABLE = 2;
const DAY_SECONDS = 24 * 60 * 60;

interface Movement {
  amount: number;
  currency: string;
  description: string | null;
  feeMinorUnits: number;
  reportingCategory: string;
  source: string;
  type: BalanceTransactionBody['type'];
}

/** Records money that enters (positive) or leaves (negative) the account; the fee is deducted in both cases. */
export function recordMovement(world: World, movement: Movement): BalanceTransactionBody {
  const { store, clock } = world;
  const fee = movement.feeMinorUnits;
  const created = clock.nowSeconds();
  const transaction: BalanceTransactionBody = {
    id: newIdentifier('txn'),
    object: 'balance_transaction',
    amount: movement.amount,
    available_on: created + DAYS_UNTIL_AVAILABLE * DAY_SECONDS,
    balance_type: 'payments',
    created,
    currency: movement.currency,
    description: movement.description,
    exchange_rate: null,
    fee,
    fee_details:
      fee === 0
        ? []
        : [
            {
              amount: fee,
              application: null,
              currency: movement.currency,
              description: 'Stripe processing fees',
              type: 'stripe_fee',
            },
          ],
    net: movement.amount - fee,
    reporting_category: movement.reportingCategory,
    source: movement.source,
    status: 'pending',
    type: movement.type,
  };
  return store.put(store.balanceTransactions, transaction);
}

/** Stripe's standard fee for a card, 2.9 % plus 30 minor units, rounded half up. */
export function processingFee(amountMinorUnits: number): number {
  return Math.floor((amountMinorUnits * 29 + 500) / 1000) + 30;
}

function view(world: World, transaction: BalanceTransactionBody): BalanceTransactionBody {
  const available = transaction.available_on <= world.clock.nowSeconds();
  return available ? { ...transaction, status: 'available' } : transaction;
}

export const balanceTransactionOperations = [
  operation(
    {
      name: 'balanceTransactions.retrieve',
      method: 'GET',
      path: '/v1/balance_transactions/:id',
      parameters: {},
    },
    ({ world, id }) => view(world, found(world.store.balanceTransactions, id, 'balance transaction')),
  ),
  operation(
    {
      name: 'balanceTransactions.list',
      method: 'GET',
      path: '/v1/balance_transactions',
      parameters: { ...pageParameters, ...createdParameter, currency: currency(), source: text(), type: text() },
    },
    ({ world, parameters, path }) =>
      pageOf({
        table: world.store.balanceTransactions,
        page: parameters,
        url: path,
        kind: 'balance transaction',
        where: parameters.source === undefined ? undefined : { column: 'source', value: parameters.source },
        matches: (transaction) =>
          inRange(transaction.created, parameters.created) &&
          (parameters.currency ?? transaction.currency) === transaction.currency &&
          (parameters.type ?? transaction.type) === transaction.type,
        view: (transaction) => view(world, transaction),
      }),
  ),
];
