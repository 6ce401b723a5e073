import type { Film } from '../../entities/film.js';
import type { SubscriptionStatus } from '../../entities/subscription.js';
import type { Clock } from '../../runtime/clock.js';
import type { Database, Queryable, Statement } from '../../stores/database.js';
import { type BillingError, notFound, Refusal, refusalsAsData, wrongState } from '../errors.js';
import { isUuid, newId, parseId } from '../ids.js';
import type { Catalogue } from './catalogue.js';
import {
  type CreateFilmInput,
  type CreateSubscriptionInput,
  checkCreateFilms,
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
import { changeFilm, insertFilms } from './write-film.js';
import { writeStatus, writeSubscription, writeToCopy, writeVersion, writeWords } from './write-subscription.js';

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
  /** The house's: the one currency of prices and balances. */
  readonly currency: string;
  readonly limits: WriteLimits;
}

const lockSubscription: Statement = {
  name: 'lock-subscription',
  text: 'select id from subscriptions where id = $1 for update',
};

const filmIdsOfVersion: Statement = {
  name: 'film-ids-of-version',
  text: 'select film_id as "filmId" from subscription_version_films where version_id = $1',
};

/** Changes of the catalogue, for admins: whoever calls has made sure of that. */
export class CatalogueAdmin {
  constructor(private readonly parts: CatalogueAdminDependencies) {}

  /** Adds all of these films or none. Errors: INVALID_INPUT and ALREADY_EXISTS, with the place in the input. */
  async createFilms(input: readonly CreateFilmInput[]): Promise<FilmsPayload> {
    const faults = checkCreateFilms(input, this.parts.limits);
    if (faults.length > 0) return { films: [], errors: faults };
    return insertFilms(this.parts.database, input.map(normaliseWords), this.parts.clock.now());
  }

  /** Errors: INVALID_INPUT, NOT_FOUND. */
  async updateFilm(input: UpdateFilmInput): Promise<FilmPayload> {
    const faults = checkUpdateFilm(input, this.parts.limits);
    if (faults.length > 0) return { errors: faults };
    return refusalsAsData<FilmPayload>(async () => {
      const film = isUuid(input.id) ? await changeFilm(this.parts.database, normaliseWords(input), this.parts.clock.now()) : null;
      if (!film) throw notFound('film', 'input', 'id');
      return { film, errors: [] };
    });
  }

  /** Prepares a draft. Errors: INVALID_INPUT, CURRENCY_MISMATCH, NOT_FOUND (a film). */
  async createSubscription(input: CreateSubscriptionInput): Promise<SubscriptionPayload> {
    const { database, clock, currency, limits } = this.parts;
    const faults = checkSubscription(input, currency, limits);
    const errors =
      faults.length > 0 ? faults : [...checkPrice(input, currency, limits), ...(await this.missingFilms(input.filmIds))];
    if (errors.length > 0) return { errors };
    const row = { ...normaliseWords(input), id: newId(), filmIds: parsedIds(input.filmIds), currency };
    return database.transaction(async (tx) => {
      await writeSubscription(tx, row, clock.now());
      return { subscription: await readOne(tx, row.id), errors: [] };
    });
  }

  /**
   * Changes what is given; a change of price, duration or films makes a new version, and no change makes nothing.
   * Errors: INVALID_INPUT, NOT_FOUND (it or a film), WRONG_STATE (ARCHIVED).
   */
  async updateSubscription(input: UpdateSubscriptionInput): Promise<SubscriptionPayload> {
    const { currency, limits } = this.parts;
    const faults = checkSubscription(input, currency, limits);
    const errors = faults.length > 0 ? faults : await this.missingFilms(input.filmIds ?? []);
    if (errors.length > 0) return { errors };
    return this.change(input.id, ['input', 'id'], async (tx, before, now) => {
      if (before.status === 'ARCHIVED') {
        throw wrongState('An archived subscription stays as it is. It is ARCHIVED.', before.status, 'input', 'id');
      }
      const words = normaliseWords(input);
      const title = words.title ?? before.title;
      const description = words.description ?? before.description;
      const newWords = title !== before.title || description !== before.description;
      const terms = await this.newTerms(tx, before, input);
      if (newWords) await writeWords(tx, { id: before.id, title, description }, now);
      if (terms) {
        const row = { ...terms, subscriptionId: before.id, version: before.version + 1, currency: before.currency };
        await writeVersion(tx, row, now);
      }
      return newWords || terms !== null;
    });
  }

  /** Puts a draft on sale. Errors: NOT_FOUND, WRONG_STATE. */
  async activateSubscription(id: string): Promise<SubscriptionPayload> {
    return this.move(id, 'DRAFT', 'ACTIVE', 'Only a draft can be put on sale.');
  }

  /** Takes it off sale for good; what was sold stays valid. Errors: NOT_FOUND, WRONG_STATE. */
  async archiveSubscription(id: string): Promise<SubscriptionPayload> {
    return this.move(id, 'ACTIVE', 'ARCHIVED', 'Only what is on sale can be taken off sale.');
  }

  private async move(id: string, from: SubscriptionStatus, to: 'ACTIVE' | 'ARCHIVED', why: string): Promise<SubscriptionPayload> {
    return this.change(id, ['id'], async (tx, before, now) => {
      if (before.status !== from) throw wrongState(`${why} It is ${before.status}.`, before.status, 'id');
      await writeStatus(tx, before.id, to, now);
      return true;
    });
  }

  /** Runs `work` under the subscription's row lock; what it changed is copied to Stripe afterwards, unless it is a draft. */
  private async change(
    id: string,
    path: readonly string[],
    work: (tx: Queryable, before: SubscriptionAtVersion, now: Date) => Promise<boolean>,
  ): Promise<SubscriptionPayload> {
    const { database, clock, catalogue, copier } = this.parts;
    let toCopy = false;
    const payload: SubscriptionPayload = await refusalsAsData<SubscriptionPayload>(() =>
      database.transaction(async (tx) => {
        const missing = notFound('subscription', ...path);
        if (!isUuid(id)) throw missing;
        const [locked] = await tx.query<{ id: string }>(lockSubscription, [id]);
        if (!locked) throw missing;
        const now = clock.now();
        const changed = await work(tx, await readOne(tx, locked.id), now);
        let after = await readOne(tx, locked.id);
        toCopy = changed && after.status !== 'DRAFT';
        if (toCopy) {
          await writeToCopy(tx, locked.id, now);
          after = await readOne(tx, locked.id);
        }
        return { subscription: after, errors: [] };
      }),
    );
    if (payload.subscription) catalogue.forgetOffer(payload.subscription.id);
    if (payload.subscription && toCopy) copier.synchroniseInBackground(payload.subscription.id);
    return payload;
  }

  private async newTerms(tx: Queryable, before: SubscriptionAtVersion, input: UpdateSubscriptionInput): Promise<Terms | null> {
    const rows = await tx.query<{ filmId: string }>(filmIdsOfVersion, [before.versionId]);
    const terms = decideNewVersion(
      { pricePerDay: before.pricePerDay, durationDays: before.durationDays, filmIds: rows.map((row) => row.filmId) },
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

async function readOne(queryable: Queryable, id: string): Promise<SubscriptionAtVersion> {
  const [row] = await readSubscriptionsByIds(queryable, [id]);
  if (!row) throw new Error(`subscription ${id} is locked and has no version`);
  return row;
}
