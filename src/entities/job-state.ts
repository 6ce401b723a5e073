import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';

/** The outcome of a job's last run, on any worker and job store. */
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

  /** How many discrepancies or differences the last successful run found. Null: the job does not look for any. */
  @Property({ type: 'int', nullable: true })
  lastFindingsCount!: number | null;

  /** Consecutive failed runs. */
  @Property({ type: 'int', default: 0 })
  failCount!: number;
}
