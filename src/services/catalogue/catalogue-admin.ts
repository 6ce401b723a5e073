import type { EntityManager } from '@mikro-orm/postgresql';
import { Film } from '../../entities/film.js';
import { Subscription, type SubscriptionStatus } from '../../entities/subscription.js';
import { SubscriptionVersion } from '../../entities/subscription-version.js';
import type { Clock } from '../../runtime/clock.js';
import { brokenConstraint, type Database, type Queryable, statement } from '../../stores/database.js';
import { findLocked } from '../../stores/entity-manager.js';
import { recordAudit } from '../audit/audit.js';
import type { Caller } from '../caller.js';
import { type BillingError, notFound, Refusal, refusalsAsData, wrongState } from '../errors.js';
import { newId, parseId } from '../ids.js';
import type { Catalogue } from './catalogue.js';
import { addFilms, addSubscription, addVersion, markChanged } from './change-catalogue.js';
import {
  type CreateFilmInput,
  type CreateSubscriptionInput,
  checkCreateFilms,
  checkCurrency,
  checkPrice,
  checkSubscription,
  checkUpdateFilm,
  normaliseWords,
  type UpdateFilmInput,
  type UpdateSubscriptionInput,
  type WriteLimits,
} from './check-input.js';
import { decideNewVersion, type Terms } from './decide-new-version.js';
import { readSubscriptionsByIds, type SubscriptionAtVersion } from './subscription-rows.js';

export interface FilmsPayload {
  films: Film[];
  errors: BillingError[];
}

export interface FilmPayload {
  film?: Film;
  errors: BillingError[];
}

export interface SubscriptionPayload {
  subscription?: SubscriptionAtVersion;
  errors: BillingError[];
}

/** Copies a subscription to Stripe; never throws, and nobody waits for it. */
export interface CatalogueCopier {
  synchroniseInBackground(subscriptionId: string): void;
}

export interface CatalogueAdminDependencies {
  readonly database: Database;
  readonly clock: Clock;
  readonly catalogue: Catalogue;
  readonly copier: CatalogueCopier;
  /** The configured currency: the only one for prices and balances. */
  readonly currency: string;
  readonly limits: WriteLimits;
}

const filmIdsOfVersion = statement('film-ids-of-version')`select film_id as "filmId" from subscription_version_films
    where version_id = $1`;

/** Changes of the catalogue, for admins: the caller must be one. Each is one transaction. */
export class CatalogueAdmin {
  constructor(private readonly parts: CatalogueAdminDependencies) {}

  /**
   * Adds all of these films or none.
   *
   * @throws INVALID_INPUT, ALREADY_EXISTS, with the place in the input, as the payload's errors
   */
  async createFilms(caller: Caller, input: readonly CreateFilmInput[]): Promise<FilmsPayload> {
    const { database, clock, catalogue, limits } = this.parts;
    const faults = checkCreateFilms(input, limits);
    if (faults.length > 0) return { films: [], errors: faults };
    const added = input
      .map(normaliseWords)
      .map(({ id, title, description = null }) => ({ id: parseId(id) ?? newId(), title, description }));
    try {
      const films = await database.changeEntities(async (em, tx) => {
        const now = clock.now();
        // Their words are in the films until an update, which records what it replaces: here they could be half a megabyte.
        await recordAudit(tx, caller, { action: 'createFilms', after: { filmIds: added.map(({ id }) => id) } }, now);
        return addFilms(em, added, now);
      });
      return { films, errors: [] };
    } catch (error) {
      if (brokenConstraint(error) !== 'films_pkey') throw error;
      const taken = new Set((await catalogue.filmsByIds(added.map(({ id }) => id))).map(({ id }) => id));
      return { films: [], errors: added.flatMap(({ id }, index) => (taken.has(id) ? [filmExists(id, index)] : [])) };
    }
  }

  /**
   * Changes what is given.
   *
   * @throws INVALID_INPUT, NOT_FOUND, as the payload's errors
   */
  async updateFilm(caller: Caller, input: UpdateFilmInput): Promise<FilmPayload> {
    const { database, clock, limits } = this.parts;
    const faults = checkUpdateFilm(input, limits);
    if (faults.length > 0) return { errors: faults };
    const { title, description } = normaliseWords(input);
    return refusalsAsData<FilmPayload>(() =>
      database.changeEntities(async (em, tx) => {
        const id = parseId(input.id);
        const film = id && (await findLocked(em, Film, id));
        if (!film) throw notFound('film', 'input', 'id');
        const before = { title: film.title, description: film.description };
        film.title = title ?? film.title;
        if (description !== undefined) film.description = description;
        film.updatedAt = clock.now();
        const after = { title: film.title, description: film.description };
        await recordAudit(tx, caller, { action: 'updateFilm', subjectId: film.id, before, after }, film.updatedAt);
        return { film, errors: [] };
      }),
    );
  }

  /**
   * Prepares a draft.
   *
   * @throws INVALID_INPUT, CURRENCY_MISMATCH, NOT_FOUND (a film), as the payload's errors
   */
  async createSubscription(caller: Caller, input: CreateSubscriptionInput): Promise<SubscriptionPayload> {
    const { database, clock, currency, limits } = this.parts;
    const faults = [...checkSubscription(input, limits), ...checkCurrency(input.currency, currency)];
    const errors =
      faults.length > 0 ? faults : [...checkPrice(input, currency, limits), ...(await this.missingFilms(input.filmIds))];
    if (errors.length > 0) return { errors };
    const added = { ...normaliseWords(input), id: newId(), filmIds: parsedIds(input.filmIds), currency };
    return database.changeEntities(async (em, tx) => {
      const now = clock.now();
      await recordAudit(tx, caller, { action: 'createSubscription', subjectId: added.id, after: added }, now);
      await addSubscription(em, added, now);
      return { subscription: await flushAndRead(em, tx, added.id), errors: [] };
    });
  }

  /**
   * Changes what is given; a change of price, duration or films makes a new version, and no change makes nothing.
   *
   * @throws INVALID_INPUT, NOT_FOUND (it or a film), WRONG_STATE (ARCHIVED), as the payload's errors
   */
  async updateSubscription(caller: Caller, input: UpdateSubscriptionInput): Promise<SubscriptionPayload> {
    const faults = checkSubscription(input, this.parts.limits);
    const errors = faults.length > 0 ? faults : await this.missingFilms(input.filmIds ?? []);
    if (errors.length > 0) return { errors };
    const { title, description } = normaliseWords(input);
    return this.change(caller, 'updateSubscription', input.id, ['input', 'id'], async (subscription, now, em, tx) => {
      const before = { ...subscription };
      if (before.status === 'ARCHIVED') {
        throw wrongState('An archived subscription stays as it is. It is ARCHIVED.', before.status, 'input', 'id');
      }
      subscription.title = title ?? before.title;
      subscription.description = description ?? before.description;
      const version = await em.findOneOrFail(SubscriptionVersion, { id: before.currentVersionId as string });
      const terms = await this.newTerms(tx, version, input);
      if (terms) await addVersion(em, subscription, { ...terms, version: version.version + 1, currency: version.currency }, now);
      return terms !== null || subscription.title !== before.title || subscription.description !== before.description;
    });
  }

  /**
   * Puts a draft on sale.
   *
   * @throws NOT_FOUND, WRONG_STATE, as the payload's errors
   */
  async activateSubscription(caller: Caller, id: string): Promise<SubscriptionPayload> {
    const work = move('DRAFT', 'ACTIVE', 'Only a draft can be put on sale.');
    return this.change(caller, 'activateSubscription', id, ['id'], work);
  }

  /**
   * Takes it off sale permanently; what was sold stays valid.
   *
   * @throws NOT_FOUND, WRONG_STATE, as the payload's errors
   */
  async archiveSubscription(caller: Caller, id: string): Promise<SubscriptionPayload> {
    const work = move('ACTIVE', 'ARCHIVED', 'Only what is on sale can be taken off sale.');
    return this.change(caller, 'archiveSubscription', id, ['id'], work);
  }

  /** Runs `work`, which returns whether it changed anything, under the row lock. Afterwards a change is copied to Stripe, unless of a draft. */
  private async change(
    caller: Caller,
    action: string,
    id: string,
    path: readonly string[],
    work: (subscription: Subscription, now: Date, em: EntityManager, tx: Queryable) => Promise<boolean>,
  ): Promise<SubscriptionPayload> {
    const { database, clock, catalogue, copier } = this.parts;
    let toCopy = false;
    const payload: SubscriptionPayload = await refusalsAsData<SubscriptionPayload>(() =>
      database.changeEntities(async (em, tx) => {
        const parsedId = parseId(id);
        const subscription = parsedId && (await findLocked(em, Subscription, parsedId));
        if (!subscription) throw notFound('subscription', ...path);
        const now = clock.now();
        const before = stateOf(subscription);
        const changed = await work(subscription, now, em, tx);
        if (changed) markChanged(subscription, now);
        const after = stateOf(subscription);
        if (changed) await recordAudit(tx, caller, { action, subjectId: subscription.id, before, after }, now);
        toCopy = changed && subscription.status !== 'DRAFT';
        return { subscription: await flushAndRead(em, tx, subscription.id), errors: [] };
      }),
    );
    if (payload.subscription) catalogue.forgetOffer(payload.subscription.id);
    if (payload.subscription && toCopy) copier.synchroniseInBackground(payload.subscription.id);
    return payload;
  }

  private async newTerms(tx: Queryable, current: SubscriptionVersion, input: UpdateSubscriptionInput): Promise<Terms | null> {
    const rows = await tx.query<{ filmId: string }>(filmIdsOfVersion, [current.id]);
    const terms = decideNewVersion(
      { pricePerDay: current.pricePerDay, durationDays: current.durationDays, filmIds: rows.map((row) => row.filmId) },
      {
        pricePerDay: input.pricePerDay ?? undefined,
        durationDays: input.durationDays ?? undefined,
        filmIds: input.filmIds ? parsedIds(input.filmIds) : undefined,
      },
    );
    const [tooDear] = terms ? checkPrice(terms, this.parts.currency, this.parts.limits) : [];
    if (tooDear) throw new Refusal(tooDear);
    return terms;
  }

  /** Films are never deleted: what exists now will exist in the transaction. */
  private async missingFilms(filmIds: readonly string[]): Promise<BillingError[]> {
    if (filmIds.length === 0) return [];
    const known = new Set((await this.parts.catalogue.filmsByIds(filmIds)).map((film) => film.id));
    return filmIds.flatMap((filmId, index) =>
      known.has(parseId(filmId) ?? '') ? [] : [notFound('film', 'input', 'filmIds', String(index)).error],
    );
  }
}

/** Ids that have been checked to be UUIDs. */
const parsedIds = (ids: readonly string[]): string[] => ids.flatMap((id) => parseId(id) ?? []);

const filmExists = (id: string, index: number): BillingError => ({
  code: 'ALREADY_EXISTS',
  message: 'There is a film with this id.',
  path: ['input', String(index), 'id'],
  existingId: id,
});

/** The subscription as the commit will leave it. */
async function flushAndRead(em: EntityManager, tx: Queryable, id: string): Promise<SubscriptionAtVersion> {
  await em.flush();
  const [row] = await readSubscriptionsByIds(tx, [id]);
  if (!row) throw new Error(`subscription ${id} was written and has no version`);
  return row;
}

/** What an admin changes of a subscription; its terms are those of its current version. */
const stateOf = ({ title, description, status, currentVersionId }: Subscription) => ({
  title,
  description,
  status,
  currentVersionId,
});

const move = (from: SubscriptionStatus, to: 'ACTIVE' | 'ARCHIVED', why: string) => async (subscription: Subscription) => {
  if (subscription.status !== from) throw wrongState(`${why} It is ${subscription.status}.`, subscription.status, 'id');
  subscription.status = to;
  return true;
};
