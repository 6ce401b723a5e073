import { Check, Entity, Index } from '@mikro-orm/decorators/legacy';
import { Balance } from './balance.js';
import { Id, Instant, MinorUnits, OneOf, Reference } from './column-types.js';
import { Refund } from './refund.js';

export const HOLD_STATUSES = ['PENDING', 'CAPTURED', 'RELEASED'] as const;
export type HoldStatus = (typeof HOLD_STATUSES)[number];

/** Money reserved for a payout in progress. Resolved exactly once: a trigger rejects any change of a resolved hold. */
@Entity({ tableName: 'holds' })
@Index({ name: 'holds_by_user', properties: ['userId'] })
@Index({ name: 'holds_by_expiry', properties: ['expiresAt'], where: "status = 'PENDING'" })
@Check({ name: 'holds_amount', expression: 'amount > 0' })
@Check({ name: 'holds_resolved', expression: "(status = 'PENDING') = (resolved_at is null)" })
export class Hold {
  @Id() id!: string;
  @Reference(() => Balance) userId!: string;
  /** Its refund; each has at most one hold. */
  @Reference(() => Refund, { unique: true }) refundId!: string;
  @MinorUnits() amount!: number;
  @OneOf(HOLD_STATUSES) status!: HoldStatus;
  @Instant() createdAt!: Date;
  /** After this, a payout that does not exist at Stripe is abandoned, and the hold released. */
  @Instant() expiresAt!: Date;
  @Instant({ nullable: true }) resolvedAt!: Date | null;
}
