import { Field, ID, Int, ObjectType } from 'type-graphql';

/** One thing that does not add up. */
@ObjectType('LedgerDiscrepancy', { simpleResolvers: true })
export class LedgerDiscrepancyType {
  @Field(() => ID, { nullable: true })
  userId!: string | null;

  @Field(() => String)
  rule!: string;

  @Field(() => String)
  expected!: string;

  @Field(() => String)
  found!: string;
}

/** What recomputing the ledger found. */
@ObjectType('LedgerReport', { simpleResolvers: true })
export class LedgerReportType {
  @Field(() => Int)
  balancesChecked!: number;

  @Field(() => Int)
  transactionsChecked!: number;

  @Field(() => [LedgerDiscrepancyType])
  discrepancies!: unknown;
}
