import { Entity, Enum, Index, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Reconciliation } from './reconciliation.js';

/** Most severe first. */
export const RECONCILIATION_FINDING_KINDS = [
  'PAID_WITHOUT_GRANT',
  'GRANT_WITHOUT_PAYMENT',
  'AMOUNT_DIFFERS',
  'REFUND_DIFFERS',
  'DISPUTE_DIFFERS',
  'PRICE_DIFFERS',
] as const;
export type ReconciliationFindingKind = (typeof RECONCILIATION_FINDING_KINDS)[number];

/** One difference that a reconciliation with Stripe found. */
@Entity({ tableName: 'reconciliation_findings' })
@Index({ name: 'reconciliation_findings_by_run', properties: ['reconciliationId'] })
export class ReconciliationFinding {
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @ManyToOne(() => Reconciliation, {
    mapToPk: true,
    fieldName: 'reconciliation_id',
    updateRule: 'no action',
    deleteRule: 'cascade',
    index: false,
  })
  reconciliationId!: string;

  @Enum({ type: 'text', items: () => [...RECONCILIATION_FINDING_KINDS] })
  kind!: ReconciliationFindingKind;

  @Property({ type: 'text', nullable: true })
  stripeId!: string | null;

  @Property({ type: 'uuid', nullable: true })
  orderId!: string | null;

  @Property({ type: 'uuid', nullable: true })
  userId!: string | null;

  @Property({ type: 'text' })
  detail!: string;

  @Property({ type: 'boolean' })
  repaired!: boolean;
}
