import { Field, Int, ObjectType } from 'type-graphql';
import { DateTimeScalar } from '../scalars.js';

/** A task that runs by schedule. */
@ObjectType('Job', { simpleResolvers: true })
export class JobType {
  @Field(() => String)
  name!: string;

  @Field(() => String)
  schedule!: string;

  @Field(() => Boolean)
  running!: boolean;

  @Field(() => DateTimeScalar, { nullable: true })
  lastRunAt!: Date | null;

  @Field(() => DateTimeScalar, { nullable: true })
  nextRunAt!: Date | null;

  @Field(() => Int, { nullable: true })
  lastDurationMs!: number | null;

  @Field(() => String, { nullable: true })
  lastResult!: string | null;

  @Field(() => String, { nullable: true })
  lastError!: string | null;

  @Field(() => Int)
  failCount!: number;
}
