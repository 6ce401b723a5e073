import { Field, ObjectType } from 'type-graphql';
import { BillingErrorType } from './billing-errors.js';
import { FilmType } from './film.js';
import { JobType } from './job.js';
import { StripeEventType } from './stripe-event.js';
import { SubscriptionType } from './subscription.js';

/** Films after a change. */
@ObjectType({ simpleResolvers: true })
export class FilmsPayload {
  @Field(() => [FilmType])
  films!: unknown;

  @Field(() => [BillingErrorType])
  errors!: unknown;
}

/** A film after a change. */
@ObjectType({ simpleResolvers: true })
export class FilmPayload {
  @Field(() => FilmType, { nullable: true })
  film!: unknown;

  @Field(() => [BillingErrorType])
  errors!: unknown;
}

/** A subscription after a change. */
@ObjectType({ simpleResolvers: true })
export class SubscriptionPayload {
  @Field(() => SubscriptionType, { nullable: true })
  subscription!: unknown;

  @Field(() => [BillingErrorType])
  errors!: unknown;
}

/** A Stripe event after a change. */
@ObjectType({ simpleResolvers: true })
export class StripeEventPayload {
  @Field(() => StripeEventType, { nullable: true })
  stripeEvent!: unknown;

  @Field(() => [BillingErrorType])
  errors!: unknown;
}

/** A job after it was started by hand. */
@ObjectType({ simpleResolvers: true })
export class JobPayload {
  @Field(() => JobType, { nullable: true })
  job!: unknown;

  @Field(() => [BillingErrorType])
  errors!: unknown;
}
