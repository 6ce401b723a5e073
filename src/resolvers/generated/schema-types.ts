// Generated from schema.graphql by `npm run generate`. Do not edit.

import { ArgsType, Field, ID, InputType, Int, InterfaceType, ObjectType, registerEnumType } from 'type-graphql';
import { CurrencyCodeScalar, DateTimeScalar, IdempotencyKeyScalar, MinorUnitsScalar } from '../scalars.js';

export const SubscriptionStatusEnum = { DRAFT: 'DRAFT', ACTIVE: 'ACTIVE', ARCHIVED: 'ARCHIVED' } as const;
export type SubscriptionStatusValue = keyof typeof SubscriptionStatusEnum;
registerEnumType(SubscriptionStatusEnum, { name: 'SubscriptionStatus' });

export const StripeSyncStatusEnum = { NOT_NEEDED: 'NOT_NEEDED', PENDING: 'PENDING', SYNCED: 'SYNCED' } as const;
export type StripeSyncStatusValue = keyof typeof StripeSyncStatusEnum;
registerEnumType(StripeSyncStatusEnum, { name: 'StripeSyncStatus' });

export const GrantStatusEnum = { ACTIVE: 'ACTIVE', EXPIRED: 'EXPIRED', REFUNDED: 'REFUNDED', REVOKED: 'REVOKED', SUSPENDED: 'SUSPENDED' } as const;
export type GrantStatusValue = keyof typeof GrantStatusEnum;
registerEnumType(GrantStatusEnum, { name: 'GrantStatus' });

export const PaymentMethodEnum = { CARD: 'CARD', BALANCE: 'BALANCE', GIFT: 'GIFT' } as const;
export type PaymentMethodValue = keyof typeof PaymentMethodEnum;
registerEnumType(PaymentMethodEnum, { name: 'PaymentMethod' });

export const RefundDestinationEnum = { CARD: 'CARD', BALANCE: 'BALANCE' } as const;
export type RefundDestinationValue = keyof typeof RefundDestinationEnum;
registerEnumType(RefundDestinationEnum, { name: 'RefundDestination' });

export const RefundStatusEnum = { PENDING: 'PENDING', SUCCEEDED: 'SUCCEEDED', FAILED: 'FAILED' } as const;
export type RefundStatusValue = keyof typeof RefundStatusEnum;
registerEnumType(RefundStatusEnum, { name: 'RefundStatus' });

export const TransactionKindEnum = { TOP_UP: 'TOP_UP', SPENDING: 'SPENDING', REFUND: 'REFUND', ADJUSTMENT: 'ADJUSTMENT', DISPUTE: 'DISPUTE' } as const;
export type TransactionKindValue = keyof typeof TransactionKindEnum;
registerEnumType(TransactionKindEnum, { name: 'TransactionKind' });

export const CounterAccountEnum = { STRIPE: 'STRIPE', REVENUE: 'REVENUE', ADJUSTMENT: 'ADJUSTMENT' } as const;
export type CounterAccountValue = keyof typeof CounterAccountEnum;
registerEnumType(CounterAccountEnum, { name: 'CounterAccount' });

export const OrderKindEnum = { PURCHASE: 'PURCHASE', TOP_UP: 'TOP_UP' } as const;
export type OrderKindValue = keyof typeof OrderKindEnum;
registerEnumType(OrderKindEnum, { name: 'OrderKind' });

export const OrderStatusEnum = { OPEN: 'OPEN', PROCESSING: 'PROCESSING', PAID: 'PAID', EXPIRED: 'EXPIRED', FAILED: 'FAILED', CANCELLED: 'CANCELLED' } as const;
export type OrderStatusValue = keyof typeof OrderStatusEnum;
registerEnumType(OrderStatusEnum, { name: 'OrderStatus' });

export const AccessReasonEnum = { GRANTED: 'GRANTED', NO_GRANT: 'NO_GRANT', EXPIRED: 'EXPIRED', REFUNDED: 'REFUNDED', REVOKED: 'REVOKED', SUSPENDED: 'SUSPENDED', UNKNOWN_FILM: 'UNKNOWN_FILM' } as const;
export type AccessReasonValue = keyof typeof AccessReasonEnum;
registerEnumType(AccessReasonEnum, { name: 'AccessReason' });

export const StripeEventStatusEnum = { RECEIVED: 'RECEIVED', PROCESSED: 'PROCESSED', IGNORED: 'IGNORED', FAILED: 'FAILED' } as const;
export type StripeEventStatusValue = keyof typeof StripeEventStatusEnum;
registerEnumType(StripeEventStatusEnum, { name: 'StripeEventStatus' });

export const ReconciliationFindingKindEnum = { PAID_WITHOUT_GRANT: 'PAID_WITHOUT_GRANT', GRANT_WITHOUT_PAYMENT: 'GRANT_WITHOUT_PAYMENT', AMOUNT_DIFFERS: 'AMOUNT_DIFFERS', REFUND_DIFFERS: 'REFUND_DIFFERS', DISPUTE_DIFFERS: 'DISPUTE_DIFFERS', PRICE_DIFFERS: 'PRICE_DIFFERS' } as const;
export type ReconciliationFindingKindValue = keyof typeof ReconciliationFindingKindEnum;
registerEnumType(ReconciliationFindingKindEnum, { name: 'ReconciliationFindingKind' });

export const NotRefundableReasonEnum = { NO_UNUSED_DAYS: 'NO_UNUSED_DAYS', GRANT_ENDED: 'GRANT_ENDED', DISPUTED: 'DISPUTED', GIFT: 'GIFT', NOT_A_CARD_PAYMENT: 'NOT_A_CARD_PAYMENT', ALREADY_REFUNDED: 'ALREADY_REFUNDED', FREE: 'FREE' } as const;
export type NotRefundableReasonValue = keyof typeof NotRefundableReasonEnum;
registerEnumType(NotRefundableReasonEnum, { name: 'NotRefundableReason' });

@InterfaceType('Node')
export abstract class NodeType {
  @Field(() => ID)
  id!: unknown;
}

@InterfaceType('BillingError')
export abstract class BillingErrorType {
  @Field(() => String)
  code!: unknown;

  @Field(() => String)
  message!: unknown;

  @Field(() => [String], { nullable: true })
  path!: unknown;
}

@ObjectType('Money', { simpleResolvers: true })
export class MoneyType {
  @Field(() => MinorUnitsScalar)
  amount!: unknown;

  @Field(() => CurrencyCodeScalar)
  currency!: unknown;
}

@ObjectType('PageInfo', { simpleResolvers: true })
export class PageInfoType {
  @Field(() => Boolean)
  hasNextPage!: unknown;

  @Field(() => Boolean)
  hasPreviousPage!: unknown;

  @Field(() => String, { nullable: true })
  startCursor!: unknown;

  @Field(() => String, { nullable: true })
  endCursor!: unknown;
}

@ObjectType('Film', { simpleResolvers: true, implements: NodeType })
export class FilmType extends NodeType {
  @Field(() => String)
  title!: unknown;

  @Field(() => String, { nullable: true })
  description!: unknown;

  @Field(() => SubscriptionConnectionType)
  subscriptions!: unknown;

  @Field(() => AccessDecisionType)
  access!: unknown;
}

@ObjectType('FilmConnection', { simpleResolvers: true })
export class FilmConnectionType {
  @Field(() => [FilmEdgeType])
  edges!: unknown;

  @Field(() => [FilmType])
  nodes!: unknown;

  @Field(() => PageInfoType)
  pageInfo!: unknown;
}

@ObjectType('FilmEdge', { simpleResolvers: true })
export class FilmEdgeType {
  @Field(() => String)
  cursor!: unknown;

  @Field(() => FilmType)
  node!: unknown;
}

@ObjectType('SubscriptionPlan', { simpleResolvers: true, implements: NodeType })
export class SubscriptionType extends NodeType {
  @Field(() => Int)
  version!: unknown;

  @Field(() => String)
  title!: unknown;

  @Field(() => String)
  description!: unknown;

  @Field(() => SubscriptionStatusEnum)
  status!: unknown;

  @Field(() => Int)
  durationDays!: unknown;

  @Field(() => MoneyType)
  pricePerDay!: unknown;

  @Field(() => MoneyType)
  price!: unknown;

  @Field(() => FilmConnectionType)
  films!: unknown;

  @Field(() => String, { nullable: true })
  stripeProductId!: unknown;

  @Field(() => String, { nullable: true })
  stripePriceId!: unknown;

  @Field(() => StripeSyncType, { nullable: true })
  stripeSync!: unknown;
}

@ObjectType('StripeSync', { simpleResolvers: true })
export class StripeSyncType {
  @Field(() => StripeSyncStatusEnum)
  status!: unknown;

  @Field(() => DateTimeScalar, { nullable: true })
  syncedAt!: unknown;

  @Field(() => Int)
  attempts!: unknown;

  @Field(() => String, { nullable: true })
  lastError!: unknown;
}

@ObjectType('SubscriptionConnection', { simpleResolvers: true })
export class SubscriptionConnectionType {
  @Field(() => [SubscriptionEdgeType])
  edges!: unknown;

  @Field(() => [SubscriptionType])
  nodes!: unknown;

  @Field(() => PageInfoType)
  pageInfo!: unknown;
}

@ObjectType('SubscriptionEdge', { simpleResolvers: true })
export class SubscriptionEdgeType {
  @Field(() => String)
  cursor!: unknown;

  @Field(() => SubscriptionType)
  node!: unknown;
}

@ObjectType('Grant', { simpleResolvers: true, implements: NodeType })
export class GrantType extends NodeType {
  @Field(() => ID)
  userId!: unknown;

  @Field(() => SubscriptionType)
  subscription!: unknown;

  @Field(() => GrantStatusEnum)
  status!: unknown;

  @Field(() => PaymentMethodEnum)
  paidWith!: unknown;

  @Field(() => DateTimeScalar)
  grantedAt!: unknown;

  @Field(() => DateTimeScalar)
  availableUntil!: unknown;

  @Field(() => MoneyType)
  pricePerDay!: unknown;

  @Field(() => FilmConnectionType)
  films!: unknown;

  @Field(() => RefundQuoteType, { nullable: true })
  refundQuote!: unknown;

  @Field(() => [RefundType])
  refunds!: unknown;

  @Field(() => OrderType, { nullable: true })
  order!: unknown;

  @Field(() => TransactionType, { nullable: true })
  spending!: unknown;

  @Field(() => String, { nullable: true })
  reason!: unknown;

  @Field(() => ID, { nullable: true })
  actorId!: unknown;
}

@ObjectType('GrantConnection', { simpleResolvers: true })
export class GrantConnectionType {
  @Field(() => [GrantEdgeType])
  edges!: unknown;

  @Field(() => [GrantType])
  nodes!: unknown;

  @Field(() => PageInfoType)
  pageInfo!: unknown;
}

@ObjectType('GrantEdge', { simpleResolvers: true })
export class GrantEdgeType {
  @Field(() => String)
  cursor!: unknown;

  @Field(() => GrantType)
  node!: unknown;
}

@ObjectType('RefundQuote', { simpleResolvers: true })
export class RefundQuoteType {
  @Field(() => Int)
  unusedDays!: unknown;

  @Field(() => MoneyType)
  amount!: unknown;

  @Field(() => RefundDestinationEnum)
  destination!: unknown;
}

@ObjectType('Refund', { simpleResolvers: true, implements: NodeType })
export class RefundType extends NodeType {
  @Field(() => MoneyType)
  amount!: unknown;

  @Field(() => RefundDestinationEnum)
  destination!: unknown;

  @Field(() => RefundStatusEnum)
  status!: unknown;

  @Field(() => String, { nullable: true })
  failureReason!: unknown;

  @Field(() => GrantType, { nullable: true })
  grant!: unknown;

  @Field(() => TransactionType, { nullable: true })
  transaction!: unknown;

  @Field(() => [TransactionType])
  transactions!: unknown;

  @Field(() => DateTimeScalar)
  createdAt!: unknown;
}

@ObjectType('Balance', { simpleResolvers: true })
export class BalanceType {
  @Field(() => MoneyType)
  available!: unknown;

  @Field(() => MoneyType)
  held!: unknown;

  @Field(() => MoneyType)
  posted!: unknown;

  @Field(() => Int)
  version!: unknown;

  @Field(() => DateTimeScalar, { nullable: true })
  updatedAt!: unknown;
}

@ObjectType('Transaction', { simpleResolvers: true, implements: NodeType })
export class TransactionType extends NodeType {
  @Field(() => TransactionKindEnum)
  kind!: unknown;

  @Field(() => MoneyType)
  amount!: unknown;

  @Field(() => MoneyType)
  balanceAfter!: unknown;

  @Field(() => Int)
  version!: unknown;

  @Field(() => CounterAccountEnum)
  counterAccount!: unknown;

  @Field(() => DateTimeScalar)
  createdAt!: unknown;

  @Field(() => GrantType, { nullable: true })
  grant!: unknown;

  @Field(() => OrderType, { nullable: true })
  order!: unknown;

  @Field(() => RefundType, { nullable: true })
  refund!: unknown;

  @Field(() => MoneyType, { nullable: true })
  refundable!: unknown;

  @Field(() => String, { nullable: true })
  reason!: unknown;

  @Field(() => ID, { nullable: true })
  actorId!: unknown;

  @Field(() => String)
  hash!: unknown;
}

@ObjectType('TransactionConnection', { simpleResolvers: true })
export class TransactionConnectionType {
  @Field(() => [TransactionEdgeType])
  edges!: unknown;

  @Field(() => [TransactionType])
  nodes!: unknown;

  @Field(() => PageInfoType)
  pageInfo!: unknown;
}

@ObjectType('TransactionEdge', { simpleResolvers: true })
export class TransactionEdgeType {
  @Field(() => String)
  cursor!: unknown;

  @Field(() => TransactionType)
  node!: unknown;
}

@ObjectType('Order', { simpleResolvers: true, implements: NodeType })
export class OrderType extends NodeType {
  @Field(() => OrderKindEnum)
  kind!: unknown;

  @Field(() => OrderStatusEnum)
  status!: unknown;

  @Field(() => MoneyType)
  amount!: unknown;

  @Field(() => String, { nullable: true })
  checkoutUrl!: unknown;

  @Field(() => DateTimeScalar, { nullable: true })
  expiresAt!: unknown;

  @Field(() => SubscriptionType, { nullable: true })
  subscription!: unknown;

  @Field(() => GrantType, { nullable: true })
  grant!: unknown;

  @Field(() => [TransactionType])
  transactions!: unknown;

  @Field(() => DateTimeScalar)
  createdAt!: unknown;
}

@ObjectType('OrderConnection', { simpleResolvers: true })
export class OrderConnectionType {
  @Field(() => [OrderEdgeType])
  edges!: unknown;

  @Field(() => [OrderType])
  nodes!: unknown;

  @Field(() => PageInfoType)
  pageInfo!: unknown;
}

@ObjectType('OrderEdge', { simpleResolvers: true })
export class OrderEdgeType {
  @Field(() => String)
  cursor!: unknown;

  @Field(() => OrderType)
  node!: unknown;
}

@ObjectType('Account', { simpleResolvers: true })
export class AccountType {
  @Field(() => ID)
  userId!: unknown;

  @Field(() => BalanceType)
  balance!: unknown;

  @Field(() => MoneyType)
  balanceAt!: unknown;

  @Field(() => GrantConnectionType)
  grants!: unknown;

  @Field(() => TransactionConnectionType)
  transactions!: unknown;

  @Field(() => OrderConnectionType)
  orders!: unknown;

  @Field(() => LedgerProofType, { nullable: true })
  proof!: unknown;
}

@ObjectType('LedgerProof', { simpleResolvers: true })
export class LedgerProofType {
  @Field(() => String)
  head!: unknown;

  @Field(() => Int)
  sequence!: unknown;

  @Field(() => LedgerRootType, { nullable: true })
  root!: unknown;

  @Field(() => [String])
  path!: unknown;
}

@ObjectType('LedgerRoot', { simpleResolvers: true, implements: NodeType })
export class LedgerRootType extends NodeType {
  @Field(() => String)
  root!: unknown;

  @Field(() => String, { nullable: true })
  previousRoot!: unknown;

  @Field(() => String)
  cut!: unknown;

  @Field(() => DateTimeScalar)
  signedAt!: unknown;

  @Field(() => String)
  publicKey!: unknown;

  @Field(() => String)
  signature!: unknown;

  @Field(() => Int)
  heads!: unknown;
}

@ObjectType('LedgerRootConnection', { simpleResolvers: true })
export class LedgerRootConnectionType {
  @Field(() => [LedgerRootEdgeType])
  edges!: unknown;

  @Field(() => [LedgerRootType])
  nodes!: unknown;

  @Field(() => PageInfoType)
  pageInfo!: unknown;
}

@ObjectType('LedgerRootEdge', { simpleResolvers: true })
export class LedgerRootEdgeType {
  @Field(() => String)
  cursor!: unknown;

  @Field(() => LedgerRootType)
  node!: unknown;
}

@ObjectType('AccountConnection', { simpleResolvers: true })
export class AccountConnectionType {
  @Field(() => [AccountEdgeType])
  edges!: unknown;

  @Field(() => [AccountType])
  nodes!: unknown;

  @Field(() => PageInfoType)
  pageInfo!: unknown;
}

@ObjectType('AccountEdge', { simpleResolvers: true })
export class AccountEdgeType {
  @Field(() => String)
  cursor!: unknown;

  @Field(() => AccountType)
  node!: unknown;
}

@ObjectType('AccessDecision', { simpleResolvers: true })
export class AccessDecisionType {
  @Field(() => ID)
  filmId!: unknown;

  @Field(() => Boolean)
  allowed!: unknown;

  @Field(() => AccessReasonEnum)
  reason!: unknown;

  @Field(() => DateTimeScalar, { nullable: true })
  availableUntil!: unknown;

  @Field(() => GrantType, { nullable: true })
  grant!: unknown;

  @Field(() => [SubscriptionType])
  offers!: unknown;
}

@ObjectType('StripeEvent', { simpleResolvers: true, implements: NodeType })
export class StripeEventType extends NodeType {
  @Field(() => String)
  stripeId!: unknown;

  @Field(() => String)
  type!: unknown;

  @Field(() => StripeEventStatusEnum)
  status!: unknown;

  @Field(() => Int)
  attempts!: unknown;

  @Field(() => String, { nullable: true })
  lastError!: unknown;

  @Field(() => DateTimeScalar)
  receivedAt!: unknown;

  @Field(() => DateTimeScalar, { nullable: true })
  processedAt!: unknown;

  @Field(() => DateTimeScalar, { nullable: true })
  nextAttemptAt!: unknown;
}

@ObjectType('StripeEventConnection', { simpleResolvers: true })
export class StripeEventConnectionType {
  @Field(() => [StripeEventEdgeType])
  edges!: unknown;

  @Field(() => [StripeEventType])
  nodes!: unknown;

  @Field(() => PageInfoType)
  pageInfo!: unknown;
}

@ObjectType('StripeEventEdge', { simpleResolvers: true })
export class StripeEventEdgeType {
  @Field(() => String)
  cursor!: unknown;

  @Field(() => StripeEventType)
  node!: unknown;
}

@ObjectType('LedgerReport', { simpleResolvers: true })
export class LedgerReportType {
  @Field(() => Int)
  balancesChecked!: unknown;

  @Field(() => Int)
  transactionsChecked!: unknown;

  @Field(() => Int)
  viewers!: unknown;

  @Field(() => DateTimeScalar, { nullable: true })
  oldestVerifiedAt!: unknown;

  @Field(() => Boolean)
  cycleComplete!: unknown;

  @Field(() => [LedgerDiscrepancyType])
  discrepancies!: unknown;
}

@ObjectType('LedgerDiscrepancy', { simpleResolvers: true })
export class LedgerDiscrepancyType {
  @Field(() => ID, { nullable: true })
  userId!: unknown;

  @Field(() => String)
  rule!: unknown;

  @Field(() => String)
  expected!: unknown;

  @Field(() => String)
  found!: unknown;
}

@ObjectType('ReconciliationFinding', { simpleResolvers: true })
export class ReconciliationFindingType {
  @Field(() => ReconciliationFindingKindEnum)
  kind!: unknown;

  @Field(() => String, { nullable: true })
  stripeId!: unknown;

  @Field(() => ID, { nullable: true })
  orderId!: unknown;

  @Field(() => ID, { nullable: true })
  userId!: unknown;

  @Field(() => String)
  detail!: unknown;

  @Field(() => Boolean)
  repaired!: unknown;
}

@ObjectType('Reconciliation', { simpleResolvers: true, implements: NodeType })
export class ReconciliationType extends NodeType {
  @Field(() => DateTimeScalar)
  startedAt!: unknown;

  @Field(() => DateTimeScalar, { nullable: true })
  finishedAt!: unknown;

  @Field(() => Int)
  objectsChecked!: unknown;

  @Field(() => Int)
  eventsReplayed!: unknown;

  @Field(() => Int)
  findingsCount!: unknown;

  @Field(() => [ReconciliationFindingType])
  findings!: unknown;
}

@ObjectType('ReconciliationConnection', { simpleResolvers: true })
export class ReconciliationConnectionType {
  @Field(() => [ReconciliationEdgeType])
  edges!: unknown;

  @Field(() => [ReconciliationType])
  nodes!: unknown;

  @Field(() => PageInfoType)
  pageInfo!: unknown;
}

@ObjectType('ReconciliationEdge', { simpleResolvers: true })
export class ReconciliationEdgeType {
  @Field(() => String)
  cursor!: unknown;

  @Field(() => ReconciliationType)
  node!: unknown;
}

@ObjectType('Job', { simpleResolvers: true })
export class JobType {
  @Field(() => String)
  name!: unknown;

  @Field(() => String)
  schedule!: unknown;

  @Field(() => Boolean)
  running!: unknown;

  @Field(() => DateTimeScalar, { nullable: true })
  lastRunAt!: unknown;

  @Field(() => DateTimeScalar, { nullable: true })
  nextRunAt!: unknown;

  @Field(() => Int, { nullable: true })
  lastDurationMs!: unknown;

  @Field(() => String, { nullable: true })
  lastResult!: unknown;

  @Field(() => String, { nullable: true })
  lastError!: unknown;

  @Field(() => Int)
  failCount!: unknown;
}

@ObjectType('InsufficientFunds', { simpleResolvers: true, implements: BillingErrorType })
export class InsufficientFundsType extends BillingErrorType {
  @Field(() => MoneyType)
  shortfall!: unknown;
}

@ObjectType('NotFound', { simpleResolvers: true, implements: BillingErrorType })
export class NotFoundType extends BillingErrorType {}

@ObjectType('NotOnSale', { simpleResolvers: true, implements: BillingErrorType })
export class NotOnSaleType extends BillingErrorType {
  @Field(() => SubscriptionStatusEnum)
  status!: unknown;
}

@ObjectType('NotRefundable', { simpleResolvers: true, implements: BillingErrorType })
export class NotRefundableType extends BillingErrorType {
  @Field(() => NotRefundableReasonEnum)
  reason!: unknown;
}

@ObjectType('AmountOutOfBounds', { simpleResolvers: true, implements: BillingErrorType })
export class AmountOutOfBoundsType extends BillingErrorType {
  @Field(() => MoneyType)
  minimum!: unknown;

  @Field(() => MoneyType)
  maximum!: unknown;
}

@ObjectType('CurrencyMismatch', { simpleResolvers: true, implements: BillingErrorType })
export class CurrencyMismatchType extends BillingErrorType {
  @Field(() => CurrencyCodeScalar)
  expected!: unknown;
}

@ObjectType('IdempotencyConflict', { simpleResolvers: true, implements: BillingErrorType })
export class IdempotencyConflictType extends BillingErrorType {}

@ObjectType('PaymentProviderUnavailable', { simpleResolvers: true, implements: BillingErrorType })
export class PaymentProviderUnavailableType extends BillingErrorType {
  @Field(() => Boolean)
  retryable!: unknown;
}

@ObjectType('InvalidInput', { simpleResolvers: true, implements: BillingErrorType })
export class InvalidInputType extends BillingErrorType {}

@ObjectType('AlreadyExists', { simpleResolvers: true, implements: BillingErrorType })
export class AlreadyExistsType extends BillingErrorType {
  @Field(() => ID)
  existingId!: unknown;
}

@ObjectType('WrongState', { simpleResolvers: true, implements: BillingErrorType })
export class WrongStateType extends BillingErrorType {
  @Field(() => String)
  state!: unknown;
}

@ObjectType('PurchasePayload', { simpleResolvers: true })
export class PurchasePayloadType {
  @Field(() => GrantType, { nullable: true })
  grant!: unknown;

  @Field(() => OrderType, { nullable: true })
  order!: unknown;

  @Field(() => BalanceType, { nullable: true })
  balance!: unknown;

  @Field(() => [BillingErrorType])
  errors!: unknown;
}

@ObjectType('TopUpPayload', { simpleResolvers: true })
export class TopUpPayloadType {
  @Field(() => OrderType, { nullable: true })
  order!: unknown;

  @Field(() => [BillingErrorType])
  errors!: unknown;
}

@ObjectType('RefundPayload', { simpleResolvers: true })
export class RefundPayloadType {
  @Field(() => RefundType, { nullable: true })
  refund!: unknown;

  @Field(() => GrantType, { nullable: true })
  grant!: unknown;

  @Field(() => BalanceType, { nullable: true })
  balance!: unknown;

  @Field(() => [BillingErrorType])
  errors!: unknown;
}

@ObjectType('OrderPayload', { simpleResolvers: true })
export class OrderPayloadType {
  @Field(() => OrderType, { nullable: true })
  order!: unknown;

  @Field(() => [BillingErrorType])
  errors!: unknown;
}

@ObjectType('FilmsPayload', { simpleResolvers: true })
export class FilmsPayloadType {
  @Field(() => [FilmType])
  films!: unknown;

  @Field(() => [BillingErrorType])
  errors!: unknown;
}

@ObjectType('FilmPayload', { simpleResolvers: true })
export class FilmPayloadType {
  @Field(() => FilmType, { nullable: true })
  film!: unknown;

  @Field(() => [BillingErrorType])
  errors!: unknown;
}

@ObjectType('SubscriptionPayload', { simpleResolvers: true })
export class SubscriptionPayloadType {
  @Field(() => SubscriptionType, { nullable: true })
  subscription!: unknown;

  @Field(() => [BillingErrorType])
  errors!: unknown;
}

@ObjectType('GrantPayload', { simpleResolvers: true })
export class GrantPayloadType {
  @Field(() => GrantType, { nullable: true })
  grant!: unknown;

  @Field(() => [BillingErrorType])
  errors!: unknown;
}

@ObjectType('AdjustBalancePayload', { simpleResolvers: true })
export class AdjustBalancePayloadType {
  @Field(() => TransactionType, { nullable: true })
  transaction!: unknown;

  @Field(() => BalanceType, { nullable: true })
  balance!: unknown;

  @Field(() => [BillingErrorType])
  errors!: unknown;
}

@ObjectType('StripeEventPayload', { simpleResolvers: true })
export class StripeEventPayloadType {
  @Field(() => StripeEventType, { nullable: true })
  stripeEvent!: unknown;

  @Field(() => [BillingErrorType])
  errors!: unknown;
}

@ObjectType('JobPayload', { simpleResolvers: true })
export class JobPayloadType {
  @Field(() => JobType, { nullable: true })
  job!: unknown;

  @Field(() => [BillingErrorType])
  errors!: unknown;
}

@ObjectType('BalanceChange', { simpleResolvers: true })
export class BalanceChangeType {
  @Field(() => String)
  cursor!: unknown;

  @Field(() => BalanceType)
  balance!: unknown;

  @Field(() => TransactionType, { nullable: true })
  transaction!: unknown;
}

@ObjectType('GrantChange', { simpleResolvers: true })
export class GrantChangeType {
  @Field(() => String)
  cursor!: unknown;

  @Field(() => GrantType)
  grant!: unknown;
}

@InputType()
export class PurchaseInput {
  @Field(() => ID)
  subscriptionId!: string;

  @Field(() => PaymentMethodEnum)
  payWith!: PaymentMethodValue;

  @Field(() => IdempotencyKeyScalar)
  idempotencyKey!: string;

  @Field(() => String, { nullable: true })
  returnUrl?: string | null;
}

@InputType()
export class TopUpInput {
  @Field(() => MinorUnitsScalar)
  amount!: number;

  @Field(() => CurrencyCodeScalar)
  currency!: string;

  @Field(() => IdempotencyKeyScalar)
  idempotencyKey!: string;

  @Field(() => String, { nullable: true })
  returnUrl?: string | null;
}

@InputType()
export class RefundGrantInput {
  @Field(() => ID)
  grantId!: string;

  @Field(() => RefundDestinationEnum, { nullable: true })
  destination?: RefundDestinationValue | null;

  @Field(() => IdempotencyKeyScalar)
  idempotencyKey!: string;
}

@InputType()
export class RefundTransactionInput {
  @Field(() => ID)
  transactionId!: string;

  @Field(() => MinorUnitsScalar, { nullable: true })
  amount?: number | null;

  @Field(() => IdempotencyKeyScalar)
  idempotencyKey!: string;
}

@InputType()
export class CreateFilmInput {
  @Field(() => ID, { nullable: true })
  id?: string | null;

  @Field(() => String)
  title!: string;

  @Field(() => String, { nullable: true })
  description?: string | null;
}

@InputType()
export class UpdateFilmInput {
  @Field(() => ID)
  id!: string;

  @Field(() => String, { nullable: true })
  title?: string | null;

  @Field(() => String, { nullable: true })
  description?: string | null;
}

@InputType()
export class CreateSubscriptionInput {
  @Field(() => String)
  title!: string;

  @Field(() => String)
  description!: string;

  @Field(() => [ID])
  filmIds!: string[];

  @Field(() => MinorUnitsScalar)
  pricePerDay!: number;

  @Field(() => CurrencyCodeScalar, { nullable: true })
  currency?: string | null;

  @Field(() => Int)
  durationDays!: number;
}

@InputType()
export class UpdateSubscriptionInput {
  @Field(() => ID)
  id!: string;

  @Field(() => String, { nullable: true })
  title?: string | null;

  @Field(() => String, { nullable: true })
  description?: string | null;

  @Field(() => [ID], { nullable: true })
  filmIds?: string[] | null;

  @Field(() => MinorUnitsScalar, { nullable: true })
  pricePerDay?: number | null;

  @Field(() => Int, { nullable: true })
  durationDays?: number | null;
}

@InputType()
export class GiftGrantInput {
  @Field(() => ID)
  userId!: string;

  @Field(() => ID)
  subscriptionId!: string;

  @Field(() => Int, { nullable: true })
  durationDays?: number | null;

  @Field(() => String)
  reason!: string;

  @Field(() => IdempotencyKeyScalar)
  idempotencyKey!: string;
}

@InputType()
export class RevokeGrantInput {
  @Field(() => ID)
  grantId!: string;

  @Field(() => String)
  reason!: string;
}

@InputType()
export class AdjustBalanceInput {
  @Field(() => ID)
  userId!: string;

  @Field(() => MinorUnitsScalar)
  amount!: number;

  @Field(() => CurrencyCodeScalar)
  currency!: string;

  @Field(() => String)
  reason!: string;

  @Field(() => IdempotencyKeyScalar)
  idempotencyKey!: string;
}

@ArgsType()
export class QueryNodeArgs {
  @Field(() => ID)
  id!: string;
}

@ArgsType()
export class QueryFilmArgs {
  @Field(() => ID)
  id!: string;
}

@ArgsType()
export class QueryFilmsArgs {
  @Field(() => Int, { nullable: true, defaultValue: 20 })
  first!: number;

  @Field(() => String, { nullable: true })
  after?: string | null;

  @Field(() => String, { nullable: true })
  search?: string | null;
}

@ArgsType()
export class QuerySubscriptionArgs {
  @Field(() => ID)
  id!: string;
}

@ArgsType()
export class QuerySubscriptionsArgs {
  @Field(() => Int, { nullable: true, defaultValue: 20 })
  first!: number;

  @Field(() => String, { nullable: true })
  after?: string | null;

  @Field(() => SubscriptionStatusEnum, { nullable: true, defaultValue: "ACTIVE" })
  status!: SubscriptionStatusValue;
}

@ArgsType()
export class QueryAccessArgs {
  @Field(() => [ID])
  filmIds!: string[];

  @Field(() => ID, { nullable: true })
  userId?: string | null;
}

@ArgsType()
export class QueryOrderArgs {
  @Field(() => ID)
  id!: string;
}

@ArgsType()
export class QueryAccountArgs {
  @Field(() => ID)
  userId!: string;
}

@ArgsType()
export class QueryAccountsArgs {
  @Field(() => Int, { nullable: true, defaultValue: 20 })
  first!: number;

  @Field(() => String, { nullable: true })
  after?: string | null;
}

@ArgsType()
export class QueryStripeEventsArgs {
  @Field(() => Int, { nullable: true, defaultValue: 20 })
  first!: number;

  @Field(() => String, { nullable: true })
  after?: string | null;

  @Field(() => StripeEventStatusEnum, { nullable: true })
  status?: StripeEventStatusValue | null;
}

@ArgsType()
export class QueryLedgerRootsArgs {
  @Field(() => Int, { nullable: true, defaultValue: 20 })
  first!: number;

  @Field(() => String, { nullable: true })
  after?: string | null;
}

@ArgsType()
export class QueryReconciliationsArgs {
  @Field(() => Int, { nullable: true, defaultValue: 20 })
  first!: number;

  @Field(() => String, { nullable: true })
  after?: string | null;
}

@ArgsType()
export class MutationPurchaseArgs {
  @Field(() => PurchaseInput)
  input!: PurchaseInput;
}

@ArgsType()
export class MutationTopUpArgs {
  @Field(() => TopUpInput)
  input!: TopUpInput;
}

@ArgsType()
export class MutationRefundGrantArgs {
  @Field(() => RefundGrantInput)
  input!: RefundGrantInput;
}

@ArgsType()
export class MutationRefundTransactionArgs {
  @Field(() => RefundTransactionInput)
  input!: RefundTransactionInput;
}

@ArgsType()
export class MutationCancelOrderArgs {
  @Field(() => ID)
  orderId!: string;
}

@ArgsType()
export class MutationCreateFilmsArgs {
  @Field(() => [CreateFilmInput])
  input!: CreateFilmInput[];
}

@ArgsType()
export class MutationUpdateFilmArgs {
  @Field(() => UpdateFilmInput)
  input!: UpdateFilmInput;
}

@ArgsType()
export class MutationCreateSubscriptionArgs {
  @Field(() => CreateSubscriptionInput)
  input!: CreateSubscriptionInput;
}

@ArgsType()
export class MutationUpdateSubscriptionArgs {
  @Field(() => UpdateSubscriptionInput)
  input!: UpdateSubscriptionInput;
}

@ArgsType()
export class MutationActivateSubscriptionArgs {
  @Field(() => ID)
  id!: string;
}

@ArgsType()
export class MutationArchiveSubscriptionArgs {
  @Field(() => ID)
  id!: string;
}

@ArgsType()
export class MutationGiftGrantArgs {
  @Field(() => GiftGrantInput)
  input!: GiftGrantInput;
}

@ArgsType()
export class MutationRevokeGrantArgs {
  @Field(() => RevokeGrantInput)
  input!: RevokeGrantInput;
}

@ArgsType()
export class MutationAdjustBalanceArgs {
  @Field(() => AdjustBalanceInput)
  input!: AdjustBalanceInput;
}

@ArgsType()
export class MutationReplayStripeEventArgs {
  @Field(() => ID)
  id!: string;
}

@ArgsType()
export class MutationRunJobArgs {
  @Field(() => String)
  name!: string;
}

@ArgsType()
export class LiveBalanceChangedArgs {
  @Field(() => String, { nullable: true })
  after?: string | null;

  @Field(() => ID, { nullable: true })
  userId?: string | null;
}

@ArgsType()
export class LiveGrantChangedArgs {
  @Field(() => String, { nullable: true })
  after?: string | null;

  @Field(() => ID, { nullable: true })
  userId?: string | null;
}

@ArgsType()
export class FilmSubscriptionsArgs {
  @Field(() => Int, { nullable: true, defaultValue: 10 })
  first!: number;

  @Field(() => String, { nullable: true })
  after?: string | null;
}

@ArgsType()
export class SubscriptionFilmsArgs {
  @Field(() => Int, { nullable: true, defaultValue: 20 })
  first!: number;

  @Field(() => String, { nullable: true })
  after?: string | null;
}

@ArgsType()
export class GrantFilmsArgs {
  @Field(() => Int, { nullable: true, defaultValue: 20 })
  first!: number;

  @Field(() => String, { nullable: true })
  after?: string | null;
}

@ArgsType()
export class AccountBalanceAtArgs {
  @Field(() => DateTimeScalar)
  time!: Date;
}

@ArgsType()
export class AccountGrantsArgs {
  @Field(() => Int, { nullable: true, defaultValue: 20 })
  first!: number;

  @Field(() => String, { nullable: true })
  after?: string | null;

  @Field(() => GrantStatusEnum, { nullable: true })
  status?: GrantStatusValue | null;
}

@ArgsType()
export class AccountTransactionsArgs {
  @Field(() => Int, { nullable: true, defaultValue: 20 })
  first!: number;

  @Field(() => String, { nullable: true })
  after?: string | null;

  @Field(() => TransactionKindEnum, { nullable: true })
  kind?: TransactionKindValue | null;
}

@ArgsType()
export class AccountOrdersArgs {
  @Field(() => Int, { nullable: true, defaultValue: 20 })
  first!: number;

  @Field(() => String, { nullable: true })
  after?: string | null;

  @Field(() => OrderStatusEnum, { nullable: true })
  status?: OrderStatusValue | null;
}

@ArgsType()
export class AccessDecisionOffersArgs {
  @Field(() => Int, { nullable: true, defaultValue: 3 })
  first!: number;
}
