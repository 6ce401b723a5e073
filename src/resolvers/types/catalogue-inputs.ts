import { Field, ID, InputType, Int } from 'type-graphql';
import { CurrencyCodeScalar, MinorUnitsScalar } from '../scalars.js';

/** A film to add. */
@InputType()
export class CreateFilmInput {
  @Field(() => ID, { nullable: true })
  id?: string | null;

  @Field(() => String)
  title!: string;

  @Field(() => String, { nullable: true })
  description?: string | null;
}

/** A change of a film; what is left out stays. */
@InputType()
export class UpdateFilmInput {
  @Field(() => ID)
  id!: string;

  @Field(() => String, { nullable: true })
  title?: string | null;

  @Field(() => String, { nullable: true })
  description?: string | null;
}

/** A subscription to prepare; it begins as a DRAFT. */
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

/** A change of a subscription; what is left out stays. A change of price, duration or films makes a new version. */
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
