import { Field, ID, InputType, Int } from 'type-graphql';
import type { PaymentMethod } from '../../entities/grant.js';
import type { RefundDestination } from '../../entities/refund.js';
import { CurrencyCodeScalar, IdempotencyKeyScalar, MinorUnitsScalar } from '../scalars.js';
import { PaymentMethodEnum, RefundDestinationEnum } from './enums.js';

/** What to buy, and how to pay. */
@InputType()
export class PurchaseInput {
  @Field(() => ID)
  subscriptionId!: string;

  @Field(() => PaymentMethodEnum)
  payWith!: PaymentMethod;

  @Field(() => IdempotencyKeyScalar)
  idempotencyKey!: string;

  @Field(() => String, { nullable: true })
  returnUrl?: string | null;
}

/** How much to put into the balance. */
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

/** Which grant to give back. */
@InputType()
export class RefundGrantInput {
  @Field(() => ID)
  grantId!: string;

  @Field(() => RefundDestinationEnum, { nullable: true })
  destination?: RefundDestination | null;

  @Field(() => IdempotencyKeyScalar)
  idempotencyKey!: string;
}

/** Which top-up to give back. */
@InputType()
export class RefundTransactionInput {
  @Field(() => ID)
  transactionId!: string;

  @Field(() => MinorUnitsScalar, { nullable: true })
  amount?: number | null;

  @Field(() => IdempotencyKeyScalar)
  idempotencyKey!: string;
}

/** A grant to give for nothing. */
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

/** A grant to take away. */
@InputType()
export class RevokeGrantInput {
  @Field(() => ID)
  grantId!: string;

  @Field(() => String)
  reason!: string;
}

/** Money to put into a balance or to take out of it by hand. */
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
