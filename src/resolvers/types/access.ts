import { Field, ID, ObjectType } from 'type-graphql';
import { DateTimeScalar } from '../scalars.js';
import { AccessReasonEnum } from './enums.js';
import { GrantType } from './grant.js';

/** May this viewer watch this film? */
@ObjectType('AccessDecision', { simpleResolvers: true })
export class AccessDecisionType {
  @Field(() => ID)
  filmId!: string;

  @Field(() => Boolean)
  allowed!: boolean;

  @Field(() => AccessReasonEnum)
  reason!: string;

  @Field(() => DateTimeScalar, { nullable: true })
  availableUntil!: Date | null;

  @Field(() => GrantType, { nullable: true })
  grant!: unknown;
}
