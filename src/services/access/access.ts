import { LRUCache } from 'lru-cache';
import type { Clock } from '../../clock.js';
import type { Limits } from '../../limits.js';
import type { Database, Statement } from '../../stores/database.js';
import { InvalidArgument } from '../invalid-argument.js';
import { isUuid } from '../uuid.js';
import { type AccessDecision, decideAccess, type GrantFacts } from './decide-access.js';
import { FilmSets } from './film-sets.js';

/**
 * A viewer's history beyond this is not looked at. Those that end last come first, so what is left out is long over: it could
 * only have told why a film may not be watched, never that it may.
 */
const LARGEST_GRANT_COUNT = 2_000;
/** Films are never deleted, so one that was seen once exists for good. */
const KNOWN_FILM_COUNT = 100_000;

const GRANTS = `select id, version_id, status, granted_at, available_until
  from grants where user_id = $1 order by available_until desc limit ${LARGEST_GRANT_COUNT}`;

const grantsForAccess: Statement = {
  name: 'grants-for-access',
  text: `select g.id, g.version_id as "versionId", g.status, g.granted_at as "grantedAt", g.available_until as "availableUntil"
    from (${GRANTS}) g`,
};

/** The same with one row more, which has nothing but those of the films that exist. */
const grantsAndFilmsForAccess: Statement = {
  name: 'grants-and-films-for-access',
  text: `select g.id, g.version_id as "versionId", g.status, g.granted_at as "grantedAt", g.available_until as "availableUntil",
      null::uuid[] as "filmIds"
    from (${GRANTS}) g
    union all
    select null, null, null, null, null, array(select id from films where id = any($2::uuid[]))`,
};

interface GrantRow extends GrantFacts {
  readonly versionId: string;
}

interface FilmsRow {
  readonly id: null;
  readonly filmIds: readonly string[];
}

export type AccessLimits = Pick<Limits, 'accessFilmsMaximumCount' | 'filmSetCacheCount'>;

/** May this viewer watch these films? One statement answers for any number of them; the rest is in memory. */
export class Access {
  private readonly filmSets: FilmSets;
  private readonly knownFilms = new LRUCache<string, true>({ max: KNOWN_FILM_COUNT });

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly limits: AccessLimits,
  ) {
    this.filmSets = new FilmSets(database, limits.filmSetCacheCount);
  }

  /**
   * One decision per film, in the order asked; for nobody (null) as for a viewer who has bought nothing. That the caller may
   * ask for this viewer is made sure of by whoever calls. Fails with InvalidArgument on no films or too many.
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
    return filmIds.map((filmId, index) => {
      const id = asked[index] as string;
      const including = grants.filter((grant) => films.get(grant.versionId)?.has(id));
      return decideAccess(filmId, including.length > 0 || this.knownFilms.has(id) ? including : null, now);
    });
  }

  /** The viewer's grants. Afterwards every film asked about that exists is known. */
  private async read(userId: string | null, asked: readonly string[]): Promise<readonly GrantRow[]> {
    const strange = [...new Set(asked.filter((id) => !this.knownFilms.get(id) && isUuid(id)))];
    if (strange.length === 0) return userId === null ? [] : this.database.query<GrantRow>(grantsForAccess, [userId]);
    const rows = await this.database.query<GrantRow | FilmsRow>(grantsAndFilmsForAccess, [userId, strange]);
    const grants: GrantRow[] = [];
    for (const row of rows) {
      if (row.id !== null) grants.push(row);
      else for (const filmId of row.filmIds) this.knownFilms.set(filmId, true);
    }
    return grants;
  }
}
