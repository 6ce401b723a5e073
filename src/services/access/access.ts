import { LRUCache } from 'lru-cache';
import type { Limits } from '../../config/limits.js';
import type { Clock } from '../../runtime/clock.js';
import type { Database } from '../../stores/database.js';
import { InvalidArgument } from '../errors.js';
import { isUuid } from '../ids.js';
import { type AccessDecision, decideAccess, decisiveGrants } from './decide-access.js';
import { FilmSets } from './film-sets.js';
import { type GrantOfVersion, GrantReads, type GrantReadsLimits } from './grant-reads.js';

/** Films are never deleted: a film that was found once always exists. */
const KNOWN_FILM_COUNT = 100_000;

export type AccessLimits = Pick<Limits, 'accessFilmsMaximumCount' | 'filmSetCacheCount'> & GrantReadsLimits;

/** Below this count, selecting the decisive grants costs more than checking every grant for every film. */
const MANY_GRANTS = 8;

/** Keeps only the decisive grants: viewers who keep extending a plan accumulate many grants of the same films. */
function decisiveOfEach(grants: readonly GrantOfVersion[], now: Date): readonly GrantOfVersion[] {
  if (grants.length < MANY_GRANTS) return grants;
  const byVersion = Map.groupBy(grants, ({ versionId }) => versionId);
  return [...byVersion.values()].flatMap((ofVersion) => decisiveGrants(ofVersion, now));
}

/** Decides whether a viewer may watch films. Any number of films takes at most one statement; the rest happens in memory. */
export class Access {
  private readonly filmSets: FilmSets;
  private readonly grantReads: GrantReads;
  private readonly knownFilms = new LRUCache<string, true>({ max: KNOWN_FILM_COUNT });

  constructor(
    database: Database,
    private readonly clock: Clock,
    private readonly limits: AccessLimits,
  ) {
    this.grantReads = new GrantReads(database, limits);
    this.filmSets = new FilmSets(database, limits.filmSetCacheCount);
  }

  /**
   * Returns one decision per film, in the order requested. Without a viewer (null), the answer is that for a viewer who has bought
   * nothing. The resolver checks whether the caller may ask about this viewer.
   *
   * @throws InvalidArgument if there are no films or too many
   */
  async decide(userId: string | null, filmIds: readonly string[]): Promise<AccessDecision[]> {
    const { accessFilmsMaximumCount } = this.limits;
    if (filmIds.length < 1 || filmIds.length > accessFilmsMaximumCount) {
      throw new InvalidArgument('filmIds', `\`filmIds\` must contain 1 to ${accessFilmsMaximumCount} ids.`);
    }
    return this.decideAny(userId, filmIds);
  }

  /** The same as `decide`, for films that come from our own results: the query's cost limits their number. */
  async decideAny(userId: string | null, filmIds: readonly string[]): Promise<AccessDecision[]> {
    const asked = filmIds.map((filmId) => filmId.toLowerCase());
    const grants = await this.read(userId, asked);
    const films = await this.filmSets.of(grants.map((grant) => grant.versionId));
    const now = this.clock.now();
    const deciding = decisiveOfEach(grants, now).map((grant) => ({ grant, films: films.get(grant.versionId) }));
    const decide = (filmId: string, id: string): AccessDecision => {
      const including: GrantOfVersion[] = [];
      for (const { grant, films } of deciding) if (films?.has(id)) including.push(grant);
      return decideAccess(filmId, including.length > 0 || this.knownFilms.has(id) ? including : null, now);
    };
    if (deciding.length < MANY_GRANTS) return filmIds.map((filmId, index) => decide(filmId, asked[index] as string));
    const decided = new Map<string, AccessDecision>();
    return filmIds.map((filmId, index) => {
      const id = asked[index] as string;
      const before = decided.get(id);
      if (before) return { ...before, filmId };
      const decision = decide(filmId, id);
      decided.set(id, decision);
      return decision;
    });
  }

  /** Reads the viewer's grants. Afterwards `knownFilms` contains every requested film that exists. */
  private async read(userId: string | null, asked: readonly string[]): Promise<readonly GrantOfVersion[]> {
    const strange = asked.filter((id) => !this.knownFilms.get(id) && isUuid(id));
    if (strange.length === 0 && userId === null) return [];
    const { grants, filmIds } = await this.grantReads.of({ userId, filmIds: strange });
    for (const filmId of filmIds) this.knownFilms.set(filmId, true);
    return grants;
  }
}
