import type { Limits } from '../../config/limits.js';
import type { Film } from '../../entities/film.js';
import type { SubscriptionStatus } from '../../entities/subscription.js';
import { normalised, textFault } from '../../runtime/text.js';
import type { Database } from '../../stores/database.js';
import { InvalidArgument } from '../errors.js';
import { isUuid, parseId } from '../ids.js';
import { checkedFirst, type Page } from '../pagination.js';
import type { Offer } from '../purchases/offer.js';
import { type PageRequest, readFilms, readFilmsByIds, readFilmsOfVersions } from './film-rows.js';
import { OfferCache } from './offer-cache.js';
import {
  readSubscriptions,
  readSubscriptionsByIds,
  readSubscriptionsByVersionIds,
  readSubscriptionsOfFilms,
  type SubscriptionAtVersion,
} from './subscription-rows.js';

export type CatalogueLimits = Pick<Limits, 'pageMaximumCount' | 'searchMaximumCharacters'>;

/**
 * What there is to watch and to buy. Who may see what (drafts are for admins) is asked by the caller. Pages end in
 * InvalidArgument when `first` is out of bounds and in InvalidCursor when `after` is no cursor of theirs.
 */
export class Catalogue {
  private readonly offers: OfferCache;

  constructor(
    private readonly database: Database,
    private readonly limits: CatalogueLimits,
  ) {
    this.offers = new OfferCache(async (id) => (await this.subscriptionsByIds([id]))[0] ?? null);
  }

  /** In no order; ids that are no UUIDs are nobody's. */
  async filmsByIds(ids: readonly string[]): Promise<Film[]> {
    return readFilmsByIds(this.database, ids.filter(isUuid));
  }

  /** By title; with `search` those whose title contains it, whatever the case. @throws InvalidArgument for `first`, InvalidCursor for `after` */
  async films({ search, ...request }: PageRequest & { readonly search?: string | null | undefined }): Promise<Page<Film>> {
    const { searchMaximumCharacters } = this.limits;
    const wanted = search ?? '';
    const fault = textFault('`search`', wanted, { minimum: 0, maximum: searchMaximumCharacters });
    if (fault) throw new InvalidArgument('search', fault);
    return readFilms(this.database, this.checked(request), normalised(wanted));
  }

  /** The films of each version by title: one page for each, in their order. @throws InvalidArgument for `first`, InvalidCursor for `after` */
  async filmsOfVersions(versionIds: readonly string[], request: PageRequest): Promise<Page<Film>[]> {
    return readFilmsOfVersions(this.database, versionIds, this.checked(request));
  }

  /** At the version that is sold or would be, in no order; ids that are no UUIDs are nobody's. */
  async subscriptionsByIds(ids: readonly string[]): Promise<SubscriptionAtVersion[]> {
    return readSubscriptionsByIds(this.database, ids.filter(isUuid));
  }

  /** As they were sold, in no order. */
  async subscriptionsByVersionIds(versionIds: readonly string[]): Promise<SubscriptionAtVersion[]> {
    return readSubscriptionsByVersionIds(this.database, versionIds.filter(isUuid));
  }

  /** Those in a status (null: any), cheapest first. @throws InvalidArgument for `first`, InvalidCursor for `after` */
  async subscriptions(
    request: PageRequest & { readonly status: SubscriptionStatus | null },
  ): Promise<Page<SubscriptionAtVersion>> {
    return readSubscriptions(this.database, this.checked(request), request.status);
  }

  /** On sale with each film, cheapest first: one page for each, in their order. @throws InvalidArgument for `first`, InvalidCursor for `after` */
  async subscriptionsOfFilms(filmIds: readonly string[], request: PageRequest): Promise<Page<SubscriptionAtVersion>[]> {
    return readSubscriptionsOfFilms(this.database, filmIds, this.checked(request));
  }

  /**
   * What is sold under this id now; null when there is none. It may be a moment old: `fresh` reads it again. The status says
   * whether it is on sale.
   */
  async offer(subscriptionId: string, { fresh = false }: { readonly fresh?: boolean } = {}): Promise<Offer | null> {
    const id = parseId(subscriptionId);
    return id ? this.offers.get(id, fresh) : null;
  }

  /** To be called after each commit that changed it. */
  forgetOffer(subscriptionId: string): void {
    this.offers.forget(subscriptionId);
  }

  private checked<Request extends PageRequest>(request: Request): Request {
    checkedFirst(request.first, this.limits.pageMaximumCount);
    return request;
  }
}
