import { Check, Entity, PrimaryKey } from '@mikro-orm/decorators/legacy';
import { Instant, Int, MinorUnits, Text } from './column-types.js';

/**
 * A viewer's prepaid wallet. Its row is also the viewer's lock: every change of a viewer's data takes it first, so that versions and
 * journal entries are numbered in commit order. Only src/services/ledger writes it. A trigger rejects an overdraft that is not explained by a
 * dispute or a refund made at Stripe.
 */
@Entity({ tableName: 'balances' })
@Check({ name: 'balances_held', expression: 'held >= 0' })
@Check({ name: 'balances_exact', expression: 'abs(posted) <= 9007199254740991 and held <= 9007199254740991' })
@Check({ name: 'balances_currency', expression: "currency ~ '^[A-Z]{3}$'" })
export class Balance {
  @PrimaryKey({ type: 'uuid' }) userId!: string;
  @Text() currency!: string;
  /** The sum of the viewer's transactions. */
  @MinorUnits({ default: 0 }) posted!: number;
  /** The sum of the viewer's pending holds. */
  @MinorUnits({ default: 0 }) held!: number;
  /** Incremented by one with each change of posted or held. */
  @Int({ default: 0 }) version!: number;
  /** The number of the viewer's last journal entry. */
  @Int({ default: 0 }) journalSequence!: number;
  @Instant() createdAt!: Date;
  @Instant() updatedAt!: Date;
}
