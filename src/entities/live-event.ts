import { PrimaryKeyProp } from '@mikro-orm/core';
import { Entity, Index, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { minorUnits } from './column-types.js';

/**
 * One change of a viewer's balance, of one of their grants, or of both, written in the transaction of the change and numbered per viewer
 * under the viewer's lock. It contains the balance after this change.
 */
@Entity({ tableName: 'live_events' })
@Index({
  name: 'live_events_by_time',
  expression: 'create index "live_events_by_time" on "live_events" using brin ("created_at")',
})
export class LiveEvent {
  [PrimaryKeyProp]?: ['userId', 'sequence'];

  @PrimaryKey({ type: 'uuid' })
  userId!: string;

  @PrimaryKey({ type: 'int' })
  sequence!: number;

  /** The balance's version, when the balance changed. */
  @Property({ type: 'int', nullable: true })
  version!: number | null;

  @Property({ type: minorUnits(), nullable: true })
  posted!: number | null;

  @Property({ type: minorUnits(), nullable: true })
  held!: number | null;

  /** The transaction, when `posted` changed. */
  @Property({ type: 'uuid', nullable: true })
  transactionId!: string | null;

  /** The grant, when one changed. */
  @Property({ type: 'uuid', nullable: true })
  grantId!: string | null;

  @Property({ type: 'timestamptz', length: 3 })
  createdAt!: Date;
}
