import type { Queryable, Statement } from '../../stores/database.js';

const DELETE_OLD_LIVE_EVENTS: Statement = {
  name: 'delete-old-live-events',
  text: `
    with old as (select user_id, sequence from live_events where created_at < $1 limit $2)
    delete from live_events using old
    where live_events.user_id = old.user_id and live_events.sequence = old.sequence
    returning 1`,
};

/** Deletes live events that are older than the documented lifetime of a cursor. */
export class LiveEventRetention {
  constructor(
    private readonly database: Queryable,
    private readonly settings: { retentionMs: number; batchCount: number },
  ) {}

  /** Deletes old events in batches and returns the number of rows. A client with an older cursor must start again without one. */
  async sweep(now: Date, signal?: AbortSignal): Promise<number> {
    const before = new Date(now.getTime() - this.settings.retentionMs);
    let total = 0;
    for (;;) {
      const deleted = await this.database.query(DELETE_OLD_LIVE_EVENTS, [before, this.settings.batchCount]);
      total += deleted.length;
      if (deleted.length < this.settings.batchCount || signal?.aborted) return total;
    }
  }
}
