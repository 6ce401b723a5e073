import { Check, Entity, Enum, Index, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Balance } from './balance.js';
import { minorUnits } from './column-types.js';
import { Refund } from './refund.js';

export const HOLD_STATUSES = ['PENDING', 'CAPTURED', 'RELEASED'] as const;
export type HoldStatus = (typeof HOLD_STATUSES)[number];

/** Money reserved for a payout in progress. Resolved exactly once: a trigger rejects any change of a resolved hold. */
@Entity({ tableName: 'holds' })
@Index({ name: 'holds_by_user', properties: ['userId'] })
@Index({
  name: 'holds_by_expiry',
  expression: 'create index "holds_by_expiry" on "holds" ("expires_at") where status = \'PENDING\'',
})
@Check({ name: 'holds_amount', expression: 'amount > 0' })
@Check({ name: 'holds_resolved', expression: "(status = 'PENDING') = (resolved_at is null)" })
export class Hold {
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @ManyToOne(() => Balance, {
    mapToPk: true,
    fieldName: 'user_id',
    updateRule: 'no action',
    deleteRule: 'no action',
    index: false,
  })
  userId!: string;

  /** Its refund; each has at most one hold. */
  @ManyToOne(() => Refund, {
    mapToPk: true,
    fieldName: 'refund_id',
    unique: true,
    updateRule: 'no action',
    deleteRule: 'no action',
  })
  refundId!: string;

  @Property({ type: minorUnits() })
  amount!: number;

  @Enum({ type: 'text', items: () => [...HOLD_STATUSES] })
  status!: HoldStatus;

  @Property({ type: 'timestamptz', length: 3 })
  createdAt!: Date;

  /** After this, a payout that does not exist at Stripe is abandoned, and the hold released. */
  @Property({ type: 'timestamptz', length: 3 })
  expiresAt!: Date;

  @Property({ type: 'timestamptz', length: 3, nullable: true })
  resolvedAt!: Date | null;
}
