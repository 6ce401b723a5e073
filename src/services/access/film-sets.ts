import { LRUCache } from 'lru-cache';
import { type Database, statement } from '../../stores/database.js';

const filmIdsOfVersions = statement('film-ids-of-versions')`
    select version_id as "versionId", array_agg(film_id) as "filmIds"
    from subscription_version_films where version_id = any($1::uuid[]) group by version_id`;

/** A film id in a set takes about 100 bytes, so the cache stays below a few tens of megabytes, however large the versions are. */
const MAX_FILM_COUNT = 500_000;

/** Caches the films of subscription versions. A version never changes, so the cache never goes stale. */
export class FilmSets {
  private readonly kept: LRUCache<string, ReadonlySet<string>>;

  constructor(
    private readonly database: Database,
    /** How many sets are cached. */
    maxCount: number,
  ) {
    this.kept = new LRUCache({ max: maxCount, maxSize: MAX_FILM_COUNT, sizeCalculation: (set) => set.size + 1 });
  }

  /** Returns the films of each version; sets that are not cached are read in one statement. */
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
