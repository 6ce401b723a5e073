import { Entity, Index } from '@mikro-orm/decorators/legacy';
import { Id, Instant, Int } from './column-types.js';

/** One reconciliation of the ledger with Stripe. */
@Entity({ tableName: 'reconciliations' })
@Index({ name: 'reconciliations_by_time', properties: ['startedAt', 'id'] })
export class Reconciliation {
  @Id() id!: string;
  @Instant() startedAt!: Date;
  @Instant({ nullable: true }) finishedAt!: Date | null;
  /** Stripe's objects created until this instant have been compared; the next run starts there, minus an overlap. */
  @Instant({ nullable: true }) comparedUntil!: Date | null;
  @Int({ default: 0 }) objectsChecked!: number;
  @Int({ default: 0 }) eventsReplayed!: number;
  @Int({ default: 0 }) findingsCount!: number;
}
