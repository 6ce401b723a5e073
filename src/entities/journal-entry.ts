import { PrimaryKeyProp } from '@mikro-orm/core';
import { Check, Entity, Index, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Instant, Int, MinorUnits, OneOf, Uuid } from './column-types.js';

/** What an entry is about. GENESIS: everything a viewer had when their journal was begun. */
export const JOURNAL_KINDS = ['GENESIS', 'MOVEMENT', 'HOLD', 'GRANT', 'ORDER', 'REFUND', 'DISPUTE'] as const;
export type JournalKind = (typeof JOURNAL_KINDS)[number];

/**
 * One change of one viewer, written in the transaction of the change and numbered without gaps under the viewer's lock. Entries are
 * chained by `hash` and never changed or removed (enforced by triggers). docs/journal.md describes the canonical form.
 */
@Entity({ tableName: 'journal' })
@Index({ name: 'journal_by_position', properties: ['position'] })
@Check({ name: 'journal_balance', expression: '(version is null) = (posted is null) and (version is null) = (held is null)' })
@Check({ name: 'journal_subject', expression: "(kind = 'GENESIS') = (subject_id is null)" })
export class JournalEntry {
  [PrimaryKeyProp]?: ['userId', 'sequence'];
  @PrimaryKey({ type: 'uuid' }) userId!: string;
  @PrimaryKey({ type: 'int' }) sequence!: number;
  /** The version of the canonical form that `hash` was computed from. */
  @Property({ type: 'smallint', default: 1 }) form!: number;
  @OneOf(JOURNAL_KINDS) kind!: JournalKind;
  /** The transaction, hold, grant, order, refund or dispute. */
  @Uuid({ nullable: true }) subjectId!: string | null;
  /** The balance after the change, if it changed the balance. */
  @Int({ nullable: true }) version!: number | null;
  @MinorUnits({ nullable: true }) posted!: number | null;
  @MinorUnits({ nullable: true }) held!: number | null;
  /** What may change of the subject, as the change left it. Null for a movement, which never changes. */
  @Property({ type: 'jsonb', nullable: true }) state!: Readonly<Record<string, string | number | null>> | null;
  /** SHA-256 of the facts of the subject's row, as the change left it. */
  @Property({ type: 'blob' }) digest!: Buffer;
  /** The admin who made the change, if one did. */
  @Uuid({ nullable: true }) actorId!: string | null;
  @Instant() createdAt!: Date;
  /** The transaction that wrote it: entries below `pg_snapshot_xmin(pg_current_snapshot())` are all visible, in this order. */
  @Property({ columnType: 'xid8', type: 'string', defaultRaw: 'pg_current_xact_id()' }) position!: string;
  /** SHA-256 of the previous entry's hash and this entry, computed by a trigger. */
  @Property({ type: 'blob' }) hash!: Buffer;
}
