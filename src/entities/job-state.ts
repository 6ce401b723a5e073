import { Entity, PrimaryKey } from '@mikro-orm/decorators/legacy';
import { Instant, Int, Text } from './column-types.js';

/** The outcome of a job's last run, on any worker and job store. */
@Entity({ tableName: 'job_states' })
export class JobState {
  @PrimaryKey({ type: 'text' }) name!: string;
  @Instant({ nullable: true }) lastRunAt!: Date | null;
  @Int({ nullable: true }) lastDurationMs!: number | null;
  @Text({ nullable: true }) lastResult!: string | null;
  @Text({ nullable: true }) lastError!: string | null;
  /** How many discrepancies or differences the last successful run found. Null: the job does not look for any. */
  @Int({ nullable: true }) lastFindingsCount!: number | null;
  /** Consecutive failed runs. */
  @Int({ default: 0 }) failCount!: number;
}
