import { Entity, Index, Property } from '@mikro-orm/decorators/legacy';
import { Id, OneOf, Reference, Text, Uuid } from './column-types.js';
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
  @Id() id!: string;
  @Reference(() => Reconciliation, { deleteRule: 'cascade' }) reconciliationId!: string;
  @OneOf(RECONCILIATION_FINDING_KINDS) kind!: ReconciliationFindingKind;
  @Text({ nullable: true }) stripeId!: string | null;
  @Uuid({ nullable: true }) orderId!: string | null;
  @Uuid({ nullable: true }) userId!: string | null;
  @Text() detail!: string;
  @Property({ type: 'boolean' }) repaired!: boolean;
}
