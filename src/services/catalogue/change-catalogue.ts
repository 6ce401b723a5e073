import type { EntityManager } from '@mikro-orm/postgresql';
import { Film } from '../../entities/film.js';
import { Subscription } from '../../entities/subscription.js';
import { SubscriptionVersion } from '../../entities/subscription-version.js';
import { SubscriptionVersionFilm } from '../../entities/subscription-version-film.js';
import { newId } from '../ids.js';
import type { Terms } from './decide-new-version.js';

export interface NewFilm {
  readonly id: string;
  readonly title: string;
  readonly description: string | null;
}

/** Adds all of these films or none. */
export async function addFilms(em: EntityManager, films: readonly NewFilm[], now: Date): Promise<Film[]> {
  const rows = films.map((film) => ({ ...film, createdAt: now, updatedAt: now }));
  await em.insertMany(Film, rows);
  return rows;
}

export interface NewSubscription extends Terms {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly currency: string;
}

/** Adds a draft with its first version. */
export async function addSubscription(em: EntityManager, added: NewSubscription, now: Date): Promise<Subscription> {
  const { id, title, description, currency, ...terms } = added;
  const subscription = em.create(Subscription, {
    ...{ id, title, description, status: 'DRAFT', currentVersionId: null, createdAt: now, updatedAt: now },
    ...{ stripeSyncStatus: 'NOT_NEEDED', stripeSyncAttempts: 0 },
  });
  await em.flush();
  await addVersion(em, subscription, { ...terms, version: 1, currency }, now);
  return subscription;
}

/** Adds a version with its films and makes it the one that is sold. The films must exist. */
export async function addVersion(
  em: EntityManager,
  subscription: Subscription,
  added: Terms & { readonly version: number; readonly currency: string },
  now: Date,
): Promise<void> {
  const { version, currency, pricePerDay, durationDays, filmIds } = added;
  const versionId = newId();
  await em.insert(SubscriptionVersion, {
    ...{ id: versionId, subscriptionId: subscription.id, version, currency, pricePerDay, durationDays },
    ...{ price: pricePerDay * durationDays, filmCount: filmIds.length, createdAt: now },
  });
  // In one statement: a trigger counts them.
  await em.insertMany(
    SubscriptionVersionFilm,
    filmIds.map((filmId) => ({ versionId, filmId })),
  );
  subscription.currentVersionId = versionId;
}

/**
 * To be called once for each change of a subscription, under its row lock. `updatedAt` always grows, even when the clock does not: the
 * copy to Stripe detects changes by it. From now on the copy of what is not a draft is behind.
 */
export function markChanged(subscription: Subscription, now: Date): void {
  subscription.updatedAt = new Date(Math.max(now.getTime(), subscription.updatedAt.getTime() + 1));
  if (subscription.status === 'DRAFT') return;
  const { stripeSyncStatus, stripeSyncError, stripeSyncDueAt } = subscription;
  // A copy that is running (due later, no error) continues and then sees this change; otherwise it is due immediately.
  const isRunning =
    stripeSyncStatus === 'PENDING' && stripeSyncError === null && stripeSyncDueAt !== null && stripeSyncDueAt > now;
  if (!isRunning) subscription.stripeSyncDueAt = now;
  subscription.stripeSyncStatus = 'PENDING';
  subscription.stripeSyncAttempts = 0;
  subscription.stripeSyncError = null;
}
