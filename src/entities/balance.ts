import { Check, Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { minorUnits } from './column-types.js';

/**
 * A viewer's prepaid wallet. Its row is also the viewer's lock: whoever changes anything of a viewer takes it first, so
 * that versions and live events are numbered in the order of their commits. Only src/services/ledger writes it.
 * A trigger refuses an overdraft that no dispute and no refund made at Stripe explains.
 */
@Entity({ tableName: 'balances' })
@Check({ name: 'balances_held', expression: 'held >= 0' })
@Check({ name: 'balances_exact', expression: 'abs(posted) <= 9007199254740991 and held <= 9007199254740991' })
@Check({ name: 'balances_currency', expression: "currency ~ '^[A-Z]{3}$'" })
export class Balance {
  @PrimaryKey({ type: 'uuid' })
  userId!: string;

  @Property({ type: 'text' })
  currency!: string;

  /** The sum of the viewer's transactions. */
  @Property({ type: minorUnits(), default: 0 })
  posted!: number;

  /** The sum of the viewer's pending holds. */
  @Property({ type: minorUnits(), default: 0 })
  held!: number;

  /** Grows by one with each change of posted or held. */
  @Property({ type: 'int', default: 0 })
  version!: number;

  /** The number of the viewer's last live event. */
  @Property({ type: 'int', default: 0 })
  eventSequence!: number;

  @Property({ type: 'timestamptz', length: 3 })
  createdAt!: Date;

  @Property({ type: 'timestamptz', length: 3 })
  updatedAt!: Date;
}
