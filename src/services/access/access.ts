import { LRUCache } from 'lru-cache';
import type { Limits } from '../../config/limits.js';
import type { Clock } from '../../runtime/clock.js';
import type { Database } from '../../stores/database.js';
import { InvalidArgument } from '../errors.js';
import { isUuid } from '../ids.js';
import { type AccessDecision, decideAccess, decisiveGrants } from './decide-access.js';
import { FilmSets } from './film-sets.js';
import { type GrantOfVersion, GrantReads, type GrantReadsLimits } from './grant-reads.js';

/** Films are never deleted, so one that was seen once exists for good. */
const KNOWN_FILM_COUNT = 100_000;

export type AccessLimits = Pick<Limits, 'accessFilmsMaximumCount' | 'filmSetCacheCount'> & GrantReadsLimits;

/** With fewer, finding out which of them decide costs more than looking at each for each film. */
const MANY_GRANTS = 8;

/** The grants that decide: viewers who extend a plan come to have many of the same films. */
function decisiveOfEach(grants: readonly GrantOfVersion[], now: Date): readonly GrantOfVersion[] {
  if (grants.length < MANY_GRANTS) return grants;
  const byVersion = Map.groupBy(grants, ({ versionId }) => versionId);
  return [...byVersion.values()].flatMap((ofVersion) => decisiveGrants(ofVersion, now));
}

/** May this viewer watch these films? At most one statement answers for any number of them; the rest is in memory. */
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
   * One decision per film, in the order asked; for nobody (null) as for a viewer who has bought nothing. The caller's
   * right to ask about this viewer is checked by the resolver.
   *
   * @throws InvalidArgument on no films or too many
   */
  async decide(userId: string | null, filmIds: readonly string[]): Promise<AccessDecision[]> {
    const { accessFilmsMaximumCount } = this.limits;
    if (filmIds.length < 1 || filmIds.length > accessFilmsMaximumCount) {
      throw new InvalidArgument('filmIds', `\`filmIds\` must have 1 to ${accessFilmsMaximumCount} films.`);
    }
    return this.decideAny(userId, filmIds);
  }

  /** As `decide`, for films that come from our own answers: the cost of the query bounds their number. */
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

  /** The viewer's grants. Afterwards every film asked about that exists is known. */
  private async read(userId: string | null, asked: readonly string[]): Promise<readonly GrantOfVersion[]> {
    const strange = asked.filter((id) => !this.knownFilms.get(id) && isUuid(id));
    if (strange.length === 0 && userId === null) return [];
    const { grants, filmIds } = await this.grantReads.of({ userId, filmIds: strange });
    for (const filmId of filmIds) this.knownFilms.set(filmId, true);
    return grants;
  }
}
