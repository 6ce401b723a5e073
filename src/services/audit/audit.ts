import { createHash, randomBytes } from 'node:crypto';
import { type Queryable, statement } from '../../stores/database.js';
import { type Caller, requireUserId } from '../caller.js';
import { newId } from '../ids.js';

/** Something an admin does. */
export interface AuditedAction {
  /** The mutation's name. */
  readonly action: string;
  /** The row that it changes. */
  readonly subjectId?: string | null;
  /** The viewer whom it is about. */
  readonly userId?: string | null;
  readonly reason?: string | null;
  /** What it changes, before and after: values that can be written as JSON. */
  readonly before?: object | null;
  readonly after?: object | null;
}

const SALT_BYTES = 16;

const insertAuditEntry = statement('audit-insert')`
    with kept as (
      insert into erasable_texts (user_id, digest, salt, text) values (coalesce($6::uuid, $3::uuid), $8, $9, $10)
    )
    insert into audit_entries (id, at, actor_id, role, action, viewer_id, subject_id, text_digest, request_id)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $11)`;

/**
 * Records what an admin does, in the transaction `tx` that does it. Returns the digest of its text: rows that the admin changes refer to
 * their reason by it.
 */
export async function recordAudit(tx: Queryable, actor: Caller, audited: AuditedAction, now: Date): Promise<Buffer> {
  const { action, subjectId = null, userId = null, reason, before, after } = audited;
  const salt = randomBytes(SALT_BYTES);
  const text = JSON.stringify({ reason: reason ?? undefined, before: before ?? undefined, after: after ?? undefined });
  const digest = createHash('sha256').update(salt).update(text).digest();
  const entry = [newId(), now, requireUserId(actor), actor.role, action, userId, subjectId];
  await tx.query(insertAuditEntry, [...entry, digest, salt, text, actor.requestId ?? '']);
  return digest;
}
