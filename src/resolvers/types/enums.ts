import { registerEnumType } from 'type-graphql';
import { GRANT_STATUSES, PAYMENT_METHODS } from '../../entities/grant.js';
import { ORDER_KINDS, ORDER_STATUSES } from '../../entities/order.js';
import { RECONCILIATION_FINDING_KINDS } from '../../entities/reconciliation-finding.js';
import { REFUND_DESTINATIONS, REFUND_STATUSES } from '../../entities/refund.js';
import { STRIPE_EVENT_STATUSES } from '../../entities/stripe-event.js';
import { STRIPE_SYNC_STATUSES, SUBSCRIPTION_STATUSES } from '../../entities/subscription.js';
import { COUNTER_ACCOUNTS, TRANSACTION_KINDS } from '../../entities/transaction.js';
import { NOT_REFUNDABLE_REASONS } from '../../services/billing-error.js';

function enumOf<const Value extends string>(name: string, values: readonly Value[]): { [Key in Value]: Key } {
  const members = Object.fromEntries(values.map((value) => [value, value])) as { [Key in Value]: Key };
  registerEnumType(members, { name });
  return members;
}

const ACCESS_REASONS = ['GRANTED', 'NO_GRANT', 'EXPIRED', 'REFUNDED', 'REVOKED', 'SUSPENDED', 'UNKNOWN_FILM'] as const;

export const SubscriptionStatusEnum = enumOf('SubscriptionStatus', SUBSCRIPTION_STATUSES);
export const StripeSyncStatusEnum = enumOf('StripeSyncStatus', STRIPE_SYNC_STATUSES);
export const GrantStatusEnum = enumOf('GrantStatus', GRANT_STATUSES);
export const PaymentMethodEnum = enumOf('PaymentMethod', PAYMENT_METHODS);
export const RefundDestinationEnum = enumOf('RefundDestination', REFUND_DESTINATIONS);
export const RefundStatusEnum = enumOf('RefundStatus', REFUND_STATUSES);
export const TransactionKindEnum = enumOf('TransactionKind', TRANSACTION_KINDS);
export const CounterAccountEnum = enumOf('CounterAccount', COUNTER_ACCOUNTS);
export const OrderKindEnum = enumOf('OrderKind', ORDER_KINDS);
export const OrderStatusEnum = enumOf('OrderStatus', ORDER_STATUSES);
export const AccessReasonEnum = enumOf('AccessReason', ACCESS_REASONS);
export const StripeEventStatusEnum = enumOf('StripeEventStatus', STRIPE_EVENT_STATUSES);
export const ReconciliationFindingKindEnum = enumOf('ReconciliationFindingKind', RECONCILIATION_FINDING_KINDS);
export const NotRefundableReasonEnum = enumOf('NotRefundableReason', NOT_REFUNDABLE_REASONS);
