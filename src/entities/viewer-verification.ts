import { Entity, Index, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Instant, Int } from './column-types.js';

/** When the job last verified a viewer, up to which journal entry, and what it found. */
@Entity({ tableName: 'viewer_verifications' })
@Index({ name: 'viewer_verifications_by_time', properties: ['verifiedAt'] })
@Index({ name: 'viewer_verifications_open', properties: ['userId'], where: 'discrepancies is not null' })
export class ViewerVerification {
  @PrimaryKey({ type: 'uuid' }) userId!: string;
  @Instant() verifiedAt!: Date;
  /** The last journal entry when the viewer last verified without a discrepancy; 0: there was none. */
  @Int() journalSequence!: number;
  /** The hash of that entry: the history up to it must not change any more. */
  @Property({ type: 'blob', nullable: true }) journalHash!: Buffer | null;
  @Int() transactions!: number;
  /** Open discrepancies, at most 100. Null: everything adds up. */
  @Property({ type: 'jsonb', nullable: true }) discrepancies!: unknown;
}
