import { LRUCache } from 'lru-cache';
import type { Database, Statement } from '../../stores/database.js';

const filmIdsOfVersions: Statement = {
  name: 'film-ids-of-versions',
  text: `select version_id as "versionId", array_agg(film_id) as "filmIds"
    from subscription_version_films where version_id = any($1::uuid[]) group by version_id`,
};

/** A film id in a set takes about 100 bytes: what is kept stays below some tens of megabytes, whatever the versions' size. */
const MAX_FILM_COUNT = 500_000;

/** The films of subscription versions. A version never changes, so what is read once holds for good. */
export class FilmSets {
  private readonly kept: LRUCache<string, ReadonlySet<string>>;

  constructor(
    private readonly database: Database,
    /** How many sets are kept. */
    largestCount: number,
  ) {
    this.kept = new LRUCache({ max: largestCount, maxSize: MAX_FILM_COUNT, sizeCalculation: (set) => set.size + 1 });
  }

  /** The films of each of these versions; those not yet known come in one statement. */
  async of(versionIds: Iterable<string>): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
    const sets = new Map<string, ReadonlySet<string>>();
    const missing = new Set<string>();
    for (const versionId of versionIds) {
      const set = this.kept.get(versionId);
      if (set) sets.set(versionId, set);
      else missing.add(versionId);
    }
    if (missing.size === 0) return sets;
    const rows = await this.database.query<{ versionId: string; filmIds: string[] }>(filmIdsOfVersions, [[...missing]]);
    for (const { versionId, filmIds } of rows) {
      const set = new Set(filmIds);
      sets.set(versionId, set);
      this.kept.set(versionId, set);
    }
    return sets;
  }
}
