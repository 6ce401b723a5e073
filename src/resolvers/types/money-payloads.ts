import { Field, ObjectType } from 'type-graphql';
import { BalanceType } from './balance.js';
import { BillingErrorType } from './billing-errors.js';
import { GrantType } from './grant.js';
import { OrderType } from './order.js';
import { RefundType } from './refund.js';
import { TransactionType } from './transaction.js';

/** What a purchase gave. */
@ObjectType({ simpleResolvers: true })
export class PurchasePayload {
  @Field(() => GrantType, { nullable: true })
  grant!: unknown;

  @Field(() => OrderType, { nullable: true })
  order!: unknown;

  @Field(() => BalanceType, { nullable: true })
  balance!: unknown;

  @Field(() => [BillingErrorType])
  errors!: unknown;
}

/** What a top-up gave. */
@ObjectType({ simpleResolvers: true })
export class TopUpPayload {
  @Field(() => OrderType, { nullable: true })
  order!: unknown;

  @Field(() => [BillingErrorType])
  errors!: unknown;
}

/** What a refund gave. */
@ObjectType({ simpleResolvers: true })
export class RefundPayload {
  @Field(() => RefundType, { nullable: true })
  refund!: unknown;

  @Field(() => GrantType, { nullable: true })
  grant!: unknown;

  @Field(() => BalanceType, { nullable: true })
  balance!: unknown;

  @Field(() => [BillingErrorType])
  errors!: unknown;
}

/** An order after a change. */
@ObjectType({ simpleResolvers: true })
export class OrderPayload {
  @Field(() => OrderType, { nullable: true })
  order!: unknown;

  @Field(() => [BillingErrorType])
  errors!: unknown;
}

/** A grant after a change. */
@ObjectType({ simpleResolvers: true })
export class GrantPayload {
  @Field(() => GrantType, { nullable: true })
  grant!: unknown;

  @Field(() => [BillingErrorType])
  errors!: unknown;
}

/** A balance after an adjustment. */
@ObjectType({ simpleResolvers: true })
export class AdjustBalancePayload {
  @Field(() => TransactionType, { nullable: true })
  transaction!: unknown;

  @Field(() => BalanceType, { nullable: true })
  balance!: unknown;

  @Field(() => [BillingErrorType])
  errors!: unknown;
}
