import { Field, Int, ObjectType } from 'type-graphql';
import type { StripeSyncStatus, SubscriptionStatus } from '../../entities/subscription.js';
import { DateTimeScalar } from '../scalars.js';
import { connectionOf } from './connection.js';
import { StripeSyncStatusEnum, SubscriptionStatusEnum } from './enums.js';
import { MoneyType } from './money.js';
import { NodeType } from './node.js';

/** A plan that gives access to its films for a number of days. A grant shows it as it was sold, so the same `id` may appear with different versions: clients that normalise should key it by `id` and `version`. */
@ObjectType('SubscriptionPlan', { simpleResolvers: true, implements: NodeType })
export class SubscriptionType extends NodeType {
  @Field(() => Int)
  version!: number;

  @Field(() => String)
  title!: string;

  @Field(() => String)
  description!: string;

  @Field(() => SubscriptionStatusEnum)
  status!: SubscriptionStatus;

  @Field(() => Int)
  durationDays!: number;

  @Field(() => MoneyType)
  pricePerDay!: MoneyType;

  @Field(() => MoneyType)
  price!: MoneyType;

  @Field(() => String, { nullable: true })
  stripeProductId!: string | null;

  @Field(() => String, { nullable: true })
  stripePriceId!: string | null;

  @Field(() => StripeSyncType, { nullable: true })
  stripeSync!: unknown;
}

export const SubscriptionConnectionType = connectionOf('Subscription', () => SubscriptionType);

/** How far a subscription's product and price at Stripe follow it. */
@ObjectType('StripeSync', { simpleResolvers: true })
export class StripeSyncType {
  @Field(() => StripeSyncStatusEnum)
  status!: StripeSyncStatus;

  @Field(() => DateTimeScalar, { nullable: true })
  syncedAt!: Date | null;

  @Field(() => Int)
  attempts!: number;

  @Field(() => String, { nullable: true })
  lastError!: string | null;
}
