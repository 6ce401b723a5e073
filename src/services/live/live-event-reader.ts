import type { LiveEvent } from '../../entities/live-event.js';
import { Batcher } from '../../runtime/batcher.js';
import { type Queryable, statement } from '../../stores/database.js';

const READ_LIVE_EVENTS = statement('read-live-events')`
    select wanted.place::int as "place", event.user_id as "userId", event.sequence, event.version, event.posted, event.held,
      event.transaction_id as "transactionId", event.grant_id as "grantId", event.created_at as "createdAt"
    from unnest($1::uuid[], $2::int[]) with ordinality as wanted(user_id, after_sequence, place)
    cross join lateral (
      select * from live_events
      where live_events.user_id = wanted.user_id and live_events.sequence > wanted.after_sequence
      order by live_events.sequence limit $3
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
