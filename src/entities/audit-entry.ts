import { Entity, Index, Property } from '@mikro-orm/decorators/legacy';
import { Id, Instant, Text, Uuid } from './column-types.js';

/** Something an admin did, recorded in the transaction of the change. Never changed or removed (enforced by triggers). */
@Entity({ tableName: 'audit_entries' })
@Index({ name: 'audit_entries_by_time', properties: ['at', 'id'] })
@Index({ name: 'audit_entries_by_subject', properties: ['subjectId'] })
@Index({ name: 'audit_entries_by_viewer', properties: ['viewerId'] })
export class AuditEntry {
  @Id() id!: string;
  @Instant() at!: Date;
  @Uuid() actorId!: string;
  @Text() role!: string;
  /** The mutation's name. */
  @Text() action!: string;
  @Uuid({ nullable: true }) subjectId!: string | null;
  /** The viewer whom it is about. */
  @Uuid({ nullable: true }) viewerId!: string | null;
  /** Of the request, as in the log; empty for what no request caused. */
  @Text() requestId!: string;
  /** Of the erasable text with the reason, and the state before and after. */
  @Property({ type: 'blob' }) textDigest!: Buffer;
}
