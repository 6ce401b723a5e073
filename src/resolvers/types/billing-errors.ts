import { Field, ID, InterfaceType, ObjectType } from 'type-graphql';
import type { SubscriptionStatus } from '../../entities/subscription.js';
import type { BillingError, NotRefundableReason } from '../../services/billing-error.js';
import { CurrencyCodeScalar } from '../scalars.js';
import { NotRefundableReasonEnum, SubscriptionStatusEnum } from './enums.js';
import { MoneyType } from './money.js';

/** An expected failure. A payload with errors changed nothing. */
@InterfaceType('BillingError')
export abstract class BillingErrorType {
  @Field(() => String)
  code!: string;

  @Field(() => String)
  message!: string;

  @Field(() => [String], { nullable: true })
  path!: string[] | null;
}

/** The balance does not cover it. Code INSUFFICIENT_FUNDS. */
@ObjectType('InsufficientFunds', { simpleResolvers: true, implements: BillingErrorType })
class InsufficientFundsType extends BillingErrorType {
  @Field(() => MoneyType)
  shortfall!: MoneyType;
}

/** There is no such thing, or it is not the caller's. Code NOT_FOUND. */
@ObjectType('NotFound', { simpleResolvers: true, implements: BillingErrorType })
class NotFoundType extends BillingErrorType {}

/** The subscription is not on sale. Code NOT_ON_SALE. */
@ObjectType('NotOnSale', { simpleResolvers: true, implements: BillingErrorType })
class NotOnSaleType extends BillingErrorType {
  @Field(() => SubscriptionStatusEnum)
  status!: SubscriptionStatus;
}

/** Nothing of it can be refunded that way. Code NOT_REFUNDABLE. */
@ObjectType('NotRefundable', { simpleResolvers: true, implements: BillingErrorType })
class NotRefundableType extends BillingErrorType {
  @Field(() => NotRefundableReasonEnum)
  reason!: NotRefundableReason;
}

/** The amount is too small or too large. Code AMOUNT_OUT_OF_BOUNDS. */
@ObjectType('AmountOutOfBounds', { simpleResolvers: true, implements: BillingErrorType })
class AmountOutOfBoundsType extends BillingErrorType {
  @Field(() => MoneyType)
  minimum!: MoneyType;

  @Field(() => MoneyType)
  maximum!: MoneyType;
}

/** One balance has one currency. Code CURRENCY_MISMATCH. */
@ObjectType('CurrencyMismatch', { simpleResolvers: true, implements: BillingErrorType })
class CurrencyMismatchType extends BillingErrorType {
  @Field(() => CurrencyCodeScalar)
  expected!: string;
}

/** The key was used before with other input. Code IDEMPOTENCY_CONFLICT. */
@ObjectType('IdempotencyConflict', { simpleResolvers: true, implements: BillingErrorType })
class IdempotencyConflictType extends BillingErrorType {}

/** Stripe could not be reached or refused. Code PAYMENT_PROVIDER_UNAVAILABLE. */
@ObjectType('PaymentProviderUnavailable', { simpleResolvers: true, implements: BillingErrorType })
class PaymentProviderUnavailableType extends BillingErrorType {
  @Field(() => Boolean)
  retryable!: boolean;
}

/** A field of the input is wrong. Code INVALID_INPUT. */
@ObjectType('InvalidInput', { simpleResolvers: true, implements: BillingErrorType })
class InvalidInputType extends BillingErrorType {}

/** It exists already. Code ALREADY_EXISTS. */
@ObjectType('AlreadyExists', { simpleResolvers: true, implements: BillingErrorType })
class AlreadyExistsType extends BillingErrorType {
  @Field(() => ID)
  existingId!: string;
}

/** It is not in a state that allows this. Code WRONG_STATE. */
@ObjectType('WrongState', { simpleResolvers: true, implements: BillingErrorType })
class WrongStateType extends BillingErrorType {
  @Field(() => String)
  state!: string;
}

const typeOf = {
  INSUFFICIENT_FUNDS: InsufficientFundsType,
  NOT_FOUND: NotFoundType,
  NOT_ON_SALE: NotOnSaleType,
  NOT_REFUNDABLE: NotRefundableType,
  AMOUNT_OUT_OF_BOUNDS: AmountOutOfBoundsType,
  CURRENCY_MISMATCH: CurrencyMismatchType,
  IDEMPOTENCY_CONFLICT: IdempotencyConflictType,
  PAYMENT_PROVIDER_UNAVAILABLE: PaymentProviderUnavailableType,
  INVALID_INPUT: InvalidInputType,
  ALREADY_EXISTS: AlreadyExistsType,
  WRONG_STATE: WrongStateType,
} as const satisfies Record<BillingError['code'], typeof BillingErrorType>;

/** The contract's type of an expected failure: the class without the ending that keeps it apart from the services' words. */
export const billingErrorTypeOf = ({ code }: BillingError): string => typeOf[code].name.slice(0, -'Type'.length);
