import { Field, ID, Int, ObjectType } from 'type-graphql';
import type { ReconciliationFindingKind } from '../../entities/reconciliation-finding.js';
import { DateTimeScalar } from '../scalars.js';
import { connectionOf } from './connection.js';
import { ReconciliationFindingKindEnum } from './enums.js';
import { NodeType } from './node.js';

/** One difference between the ledger and Stripe. */
@ObjectType('ReconciliationFinding', { simpleResolvers: true })
export class ReconciliationFindingType {
  @Field(() => ReconciliationFindingKindEnum)
  kind!: ReconciliationFindingKind;

  @Field(() => String, { nullable: true })
  stripeId!: string | null;

  @Field(() => ID, { nullable: true })
  orderId!: string | null;

  @Field(() => ID, { nullable: true })
  userId!: string | null;

  @Field(() => String)
  detail!: string;

  @Field(() => Boolean)
  repaired!: boolean;
}

/** One comparison with Stripe. */
@ObjectType('Reconciliation', { simpleResolvers: true, implements: NodeType })
export class ReconciliationType extends NodeType {
  @Field(() => DateTimeScalar)
  startedAt!: Date;

  @Field(() => DateTimeScalar, { nullable: true })
  finishedAt!: Date | null;

  @Field(() => Int)
  objectsChecked!: number;

  @Field(() => Int)
  eventsReplayed!: number;

  @Field(() => Int)
  findingsCount!: number;

  @Field(() => [ReconciliationFindingType])
  findings!: unknown;
}

export const ReconciliationConnectionType = connectionOf('Reconciliation', () => ReconciliationType);
