import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';

/** How the last run of a job went, whichever worker and job store ran it. */
@Entity({ tableName: 'job_states' })
export class JobState {
  @PrimaryKey({ type: 'text' })
  name!: string;

  @Property({ type: 'timestamptz', length: 3, nullable: true })
  lastRunAt!: Date | null;

  @Property({ type: 'int', nullable: true })
  lastDurationMs!: number | null;

  @Property({ type: 'text', nullable: true })
  lastResult!: string | null;

  @Property({ type: 'text', nullable: true })
  lastError!: string | null;

  /** What the last run that ended well found for people to look at: discrepancies, differences. Null: it looks for none. */
  @Property({ type: 'int', nullable: true })
  lastFindingsCount!: number | null;

  /** Failed runs in a row. */
  @Property({ type: 'int', default: 0 })
  failCount!: number;
}
