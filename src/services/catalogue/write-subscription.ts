import type { Queryable, Statement } from '../../stores/database.js';
import { newId } from '../ids.js';
import type { Terms } from './decide-new-version.js';

const insertSubscription: Statement = {
  name: 'insert-subscription',
  text: `insert into subscriptions (id, title, description, status, created_at, updated_at) values ($1, $2, $3, 'DRAFT', $4, $4)`,
};

const insertVersion: Statement = {
  name: 'insert-subscription-version',
  text: `insert into subscription_versions
    (id, subscription_id, version, price_per_day, duration_days, price, currency, film_count, created_at)
    values ($1, $2, $3, $4, $5, $4::bigint * $5::int, $6, $7, $8)`,
};

const insertVersionFilms: Statement = {
  name: 'insert-subscription-version-films',
  text: 'insert into subscription_version_films (version_id, film_id) select $1, unnest($2::uuid[])',
};

const pointToVersion: Statement = {
  name: 'point-to-subscription-version',
  text: 'update subscriptions set current_version_id = $2 where id = $1',
};

export interface VersionRow extends Terms {
  readonly subscriptionId: string;
  readonly version: number;
  readonly currency: string;
}

/** Writes a version with its films and makes it the one that is sold. Fails on films that do not exist (foreign key). */
export async function writeVersion(tx: Queryable, row: VersionRow, now: Date): Promise<void> {
  const id = newId();
  const { subscriptionId, version, pricePerDay, durationDays, currency, filmIds } = row;
  const values = [id, subscriptionId, version, pricePerDay, durationDays, currency, filmIds.length, now];
  await tx.query(insertVersion, values);
  // All at once: a trigger counts them.
  await tx.query(insertVersionFilms, [id, filmIds]);
  await tx.query(pointToVersion, [subscriptionId, id]);
}

export interface NewSubscription extends Terms {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly currency: string;
}

/** Writes a draft with its first version. */
export async function writeSubscription(tx: Queryable, row: NewSubscription, now: Date): Promise<void> {
  await tx.query(insertSubscription, [row.id, row.title, row.description, now]);
  await writeVersion(tx, { ...row, subscriptionId: row.id, version: 1 }, now);
}

/**
 * `updated_at` always grows, even when the clock stands still: whoever copies to Stripe sees by it whether there was a change
 * meanwhile. A copy under way (due later, no error) goes on and then sees this change; else it is due at once.
 */
const CHANGED = `updated_at = greatest($2::timestamptz, updated_at + interval '1 millisecond')`;
const TO_COPY = `stripe_sync_status = 'PENDING', stripe_sync_attempts = 0, stripe_sync_error = null,
  stripe_sync_due_at = case
    when stripe_sync_status = 'PENDING' and stripe_sync_error is null and stripe_sync_due_at > $2 then stripe_sync_due_at
    else $2 end`;

const saveWords: Statement = {
  name: 'save-subscription-words',
  text: `update subscriptions set title = $3, description = $4, ${CHANGED} where id = $1`,
};

const saveStatus: Statement = {
  name: 'save-subscription-status',
  text: `update subscriptions set status = $3, ${CHANGED} where id = $1`,
};

const markToCopy: Statement = {
  name: 'mark-subscription-to-copy',
  text: `update subscriptions set ${CHANGED}, ${TO_COPY} where id = $1`,
};

/** Gives the subscription these words. Its row must be locked. */
export async function writeWords(
  tx: Queryable,
  row: { readonly id: string; readonly title: string; readonly description: string },
  now: Date,
): Promise<void> {
  await tx.query(saveWords, [row.id, now, row.title, row.description]);
}

/** Puts the subscription on sale, or takes it off. Its row must be locked; whether it may be moved is for the caller to decide. */
export async function writeStatus(tx: Queryable, id: string, status: 'ACTIVE' | 'ARCHIVED', now: Date): Promise<void> {
  await tx.query(saveStatus, [id, now, status]);
}

/** From now on the copy at Stripe is behind. */
export async function writeToCopy(tx: Queryable, id: string, now: Date): Promise<void> {
  await tx.query(markToCopy, [id, now]);
}
