import { Field, Int, ObjectType } from 'type-graphql';
import type { StripeEventStatus } from '../../entities/stripe-event.js';
import { DateTimeScalar } from '../scalars.js';
import { connectionOf } from './connection.js';
import { StripeEventStatusEnum } from './enums.js';
import { NodeType } from './node.js';

/** One webhook delivery of Stripe, stored once. */
@ObjectType('StripeEvent', { simpleResolvers: true, implements: NodeType })
export class StripeEventType extends NodeType {
  @Field(() => String)
  stripeId!: string;

  @Field(() => String)
  type!: string;

  @Field(() => StripeEventStatusEnum)
  status!: StripeEventStatus;

  @Field(() => Int)
  attempts!: number;

  @Field(() => String, { nullable: true })
  lastError!: string | null;

  @Field(() => DateTimeScalar)
  receivedAt!: Date;

  @Field(() => DateTimeScalar, { nullable: true })
  processedAt!: Date | null;

  @Field(() => DateTimeScalar, { nullable: true })
  nextAttemptAt!: Date | null;
}

export const StripeEventConnectionType = connectionOf('StripeEvent', () => StripeEventType);
