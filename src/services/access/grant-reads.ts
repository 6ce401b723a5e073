import DataLoader from 'dataloader';
import type { Limits } from '../../limits.js';
import type { Database, Statement } from '../../stores/database.js';
import type { GrantFacts } from './decide-access.js';

/**
 * A viewer's history beyond this is not looked at. Those that end last come first, so what is left out is long over: it could
 * only have told why a film may not be watched, never that it may.
 */
const LARGEST_GRANT_COUNT = 2_000;

const GRANTS = `select grants.* from unnest($1::uuid[]) viewer (id) cross join lateral (
    select user_id as "userId", id, version_id as "versionId", status, granted_at as "grantedAt", available_until as "availableUntil"
    from grants where user_id = viewer.id order by available_until desc limit ${LARGEST_GRANT_COUNT}
  ) grants`;

const grantsForAccess: Statement = { name: 'grants-for-access', text: GRANTS };

/** The same with one row more, which has nothing but those of the films that exist. */
const grantsAndFilmsForAccess: Statement = {
  name: 'grants-and-films-for-access',
  text: `select g.*, null::uuid[] as "filmIds" from (${GRANTS}) g
    union all
    select null, null, null, null, null, null, array(select id from films where id = any($2::uuid[]))`,
};

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
  /** A UUID in small letters; null for nobody. */
  readonly userId: string | null;
  /** Films that may not exist: UUIDs in small letters. */
  readonly filmIds: readonly string[];
}

export interface GrantsAndFilms {
  readonly grants: readonly GrantOfVersion[];
  /** Those that exist, of the films asked about by anyone at this moment. */
  readonly filmIds: readonly string[];
}

export type GrantReadsLimits = Pick<Limits, 'accessBatchMaximumCount' | 'accessStatementsMaximumCount'>;

/**
 * Reads what access is decided by. Few statements run at once; whoever asks meanwhile shares the next one: the busier the house, the
 * cheaper an answer. A read begins after it was asked for, so it sees all that was committed before.
 */
export class GrantReads {
  private readonly loader: DataLoader<Question, GrantsAndFilms>;
  private readonly waiting: (() => void)[] = [];
  private runningCount = 0;

  constructor(
    private readonly database: Database,
    private readonly limits: GrantReadsLimits,
  ) {
    this.loader = new DataLoader((questions) => this.read(questions).finally(() => this.ended()), {
      cache: false,
      maxBatchSize: limits.accessBatchMaximumCount,
      // After what this turn of the event loop has read from the sockets.
      batchScheduleFn: (dispatch) => setImmediate(() => this.schedule(dispatch)),
    });
  }

  /** Ends in the errors of the statement. */
  of(question: Question): Promise<GrantsAndFilms> {
    return this.loader.load(question);
  }

  private schedule(dispatch: () => void): void {
    this.waiting.push(dispatch);
    this.runNext();
  }

  private runNext(): void {
    if (this.runningCount >= this.limits.accessStatementsMaximumCount) return;
    const dispatch = this.waiting.shift();
    if (!dispatch) return;
    this.runningCount += 1;
    dispatch();
  }

  private ended(): void {
    this.runningCount -= 1;
    this.runNext();
  }

  private async read(questions: readonly Question[]): Promise<GrantsAndFilms[]> {
    const grants = new Map<string, GrantOfVersion[]>();
    const strange = new Set<string>();
    for (const { userId, filmIds } of questions) {
      if (userId !== null) grants.set(userId, []);
      for (const filmId of filmIds) strange.add(filmId);
    }
    const viewers = [...grants.keys()];
    const rows = await (strange.size === 0
      ? this.database.query<GrantRow>(grantsForAccess, [viewers])
      : this.database.query<GrantRow | FilmsRow>(grantsAndFilmsForAccess, [viewers, [...strange]]));
    let existing: readonly string[] = [];
    for (const row of rows) {
      if (row.id === null) existing = row.filmIds;
      else grants.get(row.userId)?.push(row);
    }
    return questions.map(({ userId }) => ({ grants: (userId !== null && grants.get(userId)) || [], filmIds: existing }));
  }
}
