import { ArgsType, Field, Int } from 'type-graphql';
import type { GrantStatus } from '../entities/grant.js';
import type { OrderStatus } from '../entities/order.js';
import type { StripeEventStatus } from '../entities/stripe-event.js';
import type { SubscriptionStatus } from '../entities/subscription.js';
import type { TransactionKind } from '../entities/transaction.js';
import {
  GrantStatusEnum,
  OrderStatusEnum,
  StripeEventStatusEnum,
  SubscriptionStatusEnum,
  TransactionKindEnum,
} from './types/enums.js';

/** Where a page goes on, for connections with a default size of their own. */
@ArgsType()
class AfterArgs {
  @Field(() => String, { nullable: true })
  after?: string | null;
}

@ArgsType()
export class PageArgs extends AfterArgs {
  @Field(() => Int, { nullable: true, defaultValue: 20 })
  first!: number;
}

@ArgsType()
export class ShortPageArgs extends AfterArgs {
  @Field(() => Int, { nullable: true, defaultValue: 10 })
  first!: number;
}

@ArgsType()
export class FilmsArgs extends PageArgs {
  @Field(() => String, { nullable: true })
  search?: string | null;
}

@ArgsType()
export class SubscriptionsArgs extends PageArgs {
  @Field(() => SubscriptionStatusEnum, { nullable: true, defaultValue: 'ACTIVE' })
  status?: SubscriptionStatus | null;
}

@ArgsType()
export class GrantsArgs extends PageArgs {
  @Field(() => GrantStatusEnum, { nullable: true })
  status?: GrantStatus | null;
}

@ArgsType()
export class TransactionsArgs extends PageArgs {
  @Field(() => TransactionKindEnum, { nullable: true })
  kind?: TransactionKind | null;
}

@ArgsType()
export class OrdersArgs extends PageArgs {
  @Field(() => OrderStatusEnum, { nullable: true })
  status?: OrderStatus | null;
}

@ArgsType()
export class StripeEventsArgs extends PageArgs {
  @Field(() => StripeEventStatusEnum, { nullable: true })
  status?: StripeEventStatus | null;
}
