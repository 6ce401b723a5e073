import type { JournalEntry } from '../../entities/journal-entry.js';
import { Batcher } from '../../runtime/batcher.js';
import { type Queryable, statement } from '../../stores/database.js';

/** What a stream needs of an entry. */
export type LiveEvent = Pick<
  JournalEntry,
  'userId' | 'sequence' | 'kind' | 'subjectId' | 'version' | 'posted' | 'held' | 'createdAt'
>;

const READ_LIVE_EVENTS = statement('read-live-events')`
    select wanted.place::int as "place", event.user_id as "userId", event.sequence, event.kind, event.subject_id as "subjectId",
      event.version, event.posted, event.held, event.created_at as "createdAt"
    from unnest($1::uuid[], $2::int[]) with ordinality as wanted(user_id, after_sequence, place)
    cross join lateral (
      select * from journal
      where journal.user_id = wanted.user_id and journal.sequence > wanted.after_sequence
      order by journal.sequence limit $3
    ) event
    order by wanted.place, event.sequence`;

/** Reads in one statement. */
const MAX_READ = 500;
/** Concurrent statements: purchases need the connection pool too. */
const MAX_CONCURRENCY = 2;

interface Wanted {
  readonly userId: string;
  readonly after: number;
}

/**
 * Reads the events of many viewers in one statement: reads requested while a statement is running share the next one, and identical
 * reads share their result. Ten thousand streams therefore use two connections, however fast events arrive.
 */
export class LiveEventReader {
  private readonly batcher: Batcher<Wanted, LiveEvent[]>;

  constructor(
    private readonly database: Queryable,
    private readonly batchCount: number,
  ) {
    this.batcher = new Batcher(
      (batch) => this.readAll(batch),
      { maxSize: MAX_READ, maxConcurrency: MAX_CONCURRENCY },
      ({ userId, after }) => `${userId}:${after}`,
    );
  }

  /** Returns the viewer's next events after a number, in order, at most `batchCount`. @throws the database's errors */
  read(userId: string, after: number): Promise<LiveEvent[]> {
    return this.batcher.load({ userId, after });
  }

  private async readAll(batch: readonly Wanted[]): Promise<LiveEvent[][]> {
    // Passed as text, because pg serializes an array element by element.
    const users = `{${batch.map((wanted) => wanted.userId).join()}}`;
    const positions = `{${batch.map((wanted) => wanted.after).join()}}`;
    const values = [users, positions, this.batchCount];
    const found = batch.map((): LiveEvent[] => []);
    for (const row of await this.database.query<LiveEvent & { place: number }>(READ_LIVE_EVENTS, values)) {
      found[row.place - 1]?.push(row);
    }
    return found;
  }
}
