import type { Limits } from '../../config/limits.js';
import { Batcher } from '../../runtime/batcher.js';
import { type Database, statement } from '../../stores/database.js';
import type { GrantFacts } from './decide-access.js';

/** Viewers with this many grants are read again, decisive grants only: such viewers are rare, and each row costs. */
const MANY_GRANTS_COUNT = 500;

const COLUMNS = `user_id as "userId", id, version_id as "versionId", status, granted_at as "grantedAt", available_until as "availableUntil"`;

/** The viewers are passed as one text: with an array, Postgres replans for each length, which costs as much as the read itself. */
const GRANTS = `select grants.* from string_to_table($1, ',') viewer (id) cross join lateral (
    select ${COLUMNS} from grants where user_id = viewer.id::uuid limit ${MANY_GRANTS_COUNT}
  ) grants`;

const grantsForAccess = statement('grants-for-access')`${GRANTS}`;

/** The same plus one row, which lists those of the requested films that exist. */
const grantsAndFilmsForAccess = statement('grants-and-films-for-access')`
    select g.*, null::uuid[] as "filmIds" from (${GRANTS}) g
    union all
    select null, null, null, null, null, null, array(select id from films where id = any($2::uuid[]))`;

/** The longest-lasting and the latest grant of each version: no other can be decisive (see decideAccess). */
const decisiveGrantsForAccess = statement('decisive-grants-for-access')`
    (select distinct on (version_id) ${COLUMNS} from grants where user_id = $1 and status = 'ACTIVE'
      order by version_id, available_until desc, granted_at desc, id desc)
    union all
    (select distinct on (version_id) ${COLUMNS} from grants where user_id = $1 order by version_id, granted_at desc, id desc)`;

export interface GrantOfVersion extends GrantFacts {
  readonly versionId: string;
}

interface GrantRow extends GrantOfVersion {
  readonly userId: string;
}

interface FilmsRow {
  readonly id: null;
  readonly filmIds: readonly string[];
}

interface Question {
  /** A lower-case UUID; null without a viewer. */
  readonly userId: string | null;
  /** Lower-case UUIDs of films that may not exist. */
  readonly filmIds: readonly string[];
}

export interface GrantsAndFilms {
  readonly grants: readonly GrantOfVersion[];
  /** Those of the requested films that exist. */
  readonly filmIds: readonly string[];
}

export type GrantReadsLimits = Pick<Limits, 'accessBatchMaximumCount' | 'accessStatementsMaximumCount'>;

/**
 * Reads the facts that access depends on. Concurrent checks share a statement: each process runs at most
 * `ACCESS_STATEMENTS_MAXIMUM_COUNT` of them.
 */
export class GrantReads {
  private readonly batcher: Batcher<Question, GrantsAndFilms>;

  constructor(
    private readonly database: Database,
    { accessBatchMaximumCount, accessStatementsMaximumCount }: GrantReadsLimits,
  ) {
    this.batcher = new Batcher((questions) => this.read(questions), {
      maxSize: accessBatchMaximumCount,
      maxConcurrency: accessStatementsMaximumCount,
    });
  }

  /** @throws the database's errors */
  of(question: Question): Promise<GrantsAndFilms> {
    return this.batcher.load(question);
  }

  private async read(questions: readonly Question[]): Promise<GrantsAndFilms[]> {
    const grants = new Map<string, GrantOfVersion[]>();
    const strange = new Set<string>();
    for (const { userId, filmIds } of questions) {
      if (userId !== null) grants.set(userId, []);
      for (const filmId of filmIds) strange.add(filmId);
    }
    const viewers = [...grants.keys()].join(',');
    const rows = await (strange.size === 0
      ? this.database.query<GrantRow>(grantsForAccess, [viewers])
      : this.database.query<GrantRow | FilmsRow>(grantsAndFilmsForAccess, [viewers, [...strange]]));
    let existing: ReadonlySet<string> = new Set();
    for (const row of rows) {
      if (row.id === null) existing = new Set(row.filmIds);
      else grants.get(row.userId)?.push(row);
    }
    for (const [userId, some] of grants)
      if (some.length >= MANY_GRANTS_COUNT)
        grants.set(userId, await this.database.query<GrantRow>(decisiveGrantsForAccess, [userId]));
    return questions.map(({ userId, filmIds }) => ({
      grants: (userId !== null && grants.get(userId)) || [],
      filmIds: filmIds.filter((filmId) => existing.has(filmId)),
    }));
  }
}
