import { Check, Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Instant, Int, MinorUnits, Uuid } from './column-types.js';

/** One row: how far the verification job is in its cycle over all viewers, and the totals after its last run. */
@Entity({ tableName: 'verification_state' })
@Check({ name: 'verification_state_is_one_row', expression: 'id = 1' })
export class VerificationState {
  @PrimaryKey({ type: 'int', default: 1, autoincrement: false }) id!: number;
  /** The cycle continues after this viewer; null: with the first. */
  @Uuid({ nullable: true }) after!: string | null;
  @Int({ default: 0 }) viewers!: number;
  /** How many of them were verified within the length of a cycle. */
  @Int({ default: 0 }) verified!: number;
  /** The transactions of those that were verified. */
  @MinorUnits({ default: 0 }) transactions!: number;
  /** The viewer whose last verification is the oldest. */
  @Instant({ nullable: true }) oldestVerifiedAt!: Date | null;
  /** Open discrepancies that are not about one viewer. Null: none. */
  @Property({ type: 'jsonb', nullable: true }) discrepancies!: unknown;
}
