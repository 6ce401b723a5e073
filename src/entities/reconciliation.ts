import { Entity, Index, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';

/** One reconciliation of the ledger with Stripe. */
@Entity({ tableName: 'reconciliations' })
@Index({ name: 'reconciliations_by_time', properties: ['startedAt', 'id'] })
export class Reconciliation {
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Property({ type: 'timestamptz', length: 3 })
  startedAt!: Date;

  @Property({ type: 'timestamptz', length: 3, nullable: true })
  finishedAt!: Date | null;

  /** Stripe's objects created until this instant have been compared; the next run starts there, minus an overlap. */
  @Property({ type: 'timestamptz', length: 3, nullable: true })
  comparedUntil!: Date | null;

  @Property({ type: 'int', default: 0 })
  objectsChecked!: number;

  @Property({ type: 'int', default: 0 })
  eventsReplayed!: number;

  @Property({ type: 'int', default: 0 })
  findingsCount!: number;
}
