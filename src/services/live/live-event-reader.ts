import type { LiveEvent } from '../../entities/live-event.js';
import type { Queryable, Statement } from '../../stores/database.js';

const READ_LIVE_EVENTS: Statement = {
  name: 'read-live-events',
  text: `
    select wanted.place::int as "place", event.user_id as "userId", event.sequence, event.version, event.posted, event.held,
      event.transaction_id as "transactionId", event.grant_id as "grantId", event.created_at as "createdAt"
    from unnest($1::uuid[], $2::int[]) with ordinality as wanted(user_id, after_sequence, place)
    cross join lateral (
      select * from live_events
      where live_events.user_id = wanted.user_id and live_events.sequence > wanted.after_sequence
      order by live_events.sequence limit $3
    ) event
    order by wanted.place, event.sequence`,
};

/** Reads in one statement. */
const MAX_READ = 500;
/** Concurrent statements: purchases need the connection pool too. */
const MAX_CONCURRENCY = 2;

interface Wanted {
  userId: string;
  after: number;
  events: Promise<LiveEvent[]>;
  resolve(events: LiveEvent[]): void;
  reject(error: unknown): void;
}

/**
 * Reads the events of many viewers in one statement: reads requested while a statement is running share the next one, and identical
 * reads share their result. Ten thousand streams therefore use two connections, however fast events arrive.
 */
export class LiveEventReader {
  private readonly waiting = new Map<string, Wanted>();
  private running = 0;
  private planned = false;

  constructor(
    private readonly database: Queryable,
    private readonly batchCount: number,
  ) {}

  /** Returns the viewer's next events after a number, in order, at most `batchCount`. @throws the database's errors */
  read(userId: string, after: number): Promise<LiveEvent[]> {
    const key = `${userId}:${after}`;
    const known = this.waiting.get(key);
    if (known) return known.events;
    const wanted = { userId, after } as Wanted;
    wanted.events = new Promise((resolve, reject) => {
      wanted.resolve = resolve;
      wanted.reject = reject;
    });
    this.waiting.set(key, wanted);
    this.plan();
    return wanted.events;
  }

  private plan(): void {
    if (this.planned || this.running >= MAX_CONCURRENCY || this.waiting.size === 0) return;
    this.planned = true;
    setImmediate(() => {
      this.planned = false;
      void this.run();
    });
  }

  private async run(): Promise<void> {
    const batch: Wanted[] = [];
    for (const [key, wanted] of this.waiting) {
      if (batch.length === MAX_READ) break;
      batch.push(wanted);
      this.waiting.delete(key);
    }
    this.running++;
    this.plan();
    try {
      const found = batch.map((): LiveEvent[] => []);
      // Passed as text, because pg serializes an array element by element.
      const users = `{${batch.map((wanted) => wanted.userId).join()}}`;
      const positions = `{${batch.map((wanted) => wanted.after).join()}}`;
      const rows = await this.database.query<LiveEvent & { place: number }>(READ_LIVE_EVENTS, [
        users,
        positions,
        this.batchCount,
      ]);
      for (const row of rows) found[row.place - 1]?.push(row);
      for (const [index, wanted] of batch.entries()) wanted.resolve(found[index] ?? []);
    } catch (error) {
      for (const wanted of batch) wanted.reject(error);
    } finally {
      this.running--;
      this.plan();
    }
  }
}
