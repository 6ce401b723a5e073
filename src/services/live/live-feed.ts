import type { LiveEvent } from '../../entities/live-event.js';
import type { Clock } from '../../runtime/clock.js';
import type { Queryable, Statement } from '../../stores/database.js';
import type { HintChannel } from '../../stores/hints.js';
import { CursorExpired, canGoOnAfter, LiveCursors } from './live-cursor.js';
import { LiveEventReader } from './live-event-reader.js';
import { LiveStream, type LiveStreamStart } from './live-stream.js';
import { type LiveBalance, readPresentGrants, readPresentState } from './present-state.js';

export interface BalanceChanged {
  readonly cursor: string;
  /** As this change left it. */
  readonly balance: LiveBalance;
  /** The movement; null when only `held` changed, and for the present state. */
  readonly transactionId: string | null;
}

export interface GrantChanged {
  readonly cursor: string;
  readonly grantId: string;
}

export interface LiveFeedSettings {
  /** Events read at once for one stream. */
  batchCount: number;
  /** How often lost hints are looked for when this node does not hear the others. */
  sweepIntervalMs: number;
  /** How often they are looked for when it does. */
  quietSweepIntervalMs: number;
}

export interface LiveFeedOptions {
  database: Queryable;
  hints: HintChannel;
  settings: LiveFeedSettings;
  /** Of a balance that does not exist yet. */
  currency: string;
  /** Told how many seconds after it was made a change was read for a client. What a client catches up on does not count. */
  lag?: { readonly clock: Clock; observe(seconds: number): void };
  /** Told of reads that failed; they are tried again. */
  onError?: (error: unknown) => void;
}

interface Viewer {
  readonly streams: Set<LiveStream<unknown>>;
  /** Streams, and those whose beginning is still being read. */
  visits: number;
  stopListening(): void;
}

/** Grants in the present state; a viewer with more sees the oldest, and the others as they change. */
const MAX_PRESENT_GRANTS = 10_000;
/** Viewers whose position one sweep statement asks for. */
const SWEEP_COUNT = 1_000;

const SWEEP_LIVE_EVENTS: Statement = {
  name: 'sweep-live-events',
  text: 'select user_id as "userId", event_sequence as "last" from balances where user_id = any($1::uuid[])',
};

/**
 * Pushes each change of a viewer's balance and grants, in order, without a gap or a duplicate. Rows of live_events are the
 * truth and are pulled; hints only say when to look, and a sweep finds what hints lost.
 */
export class LiveFeed {
  private readonly viewers = new Map<string, Viewer>();
  private readonly reader: LiveEventReader;
  private readonly timer: NodeJS.Timeout;
  private sweeping = false;
  /** A stream could not read: sweep at the next tick. */
  private doubtful = false;
  private sweptAtMs = performance.now();
  private stopped = false;
  private streamCount = 0;

  constructor(private readonly options: LiveFeedOptions) {
    this.reader = new LiveEventReader(options.database, options.settings.batchCount);
    this.timer = setInterval(() => void this.tick(), options.settings.sweepIntervalMs);
    this.timer.unref();
  }

  /**
   * Changes of the balance after a cursor; without one the present balance, then changes.
   *
   * @throws InvalidArgument for what is no cursor of this viewer; CursorExpired, immediately or, from a stream that was idle longer than
   * events are kept, later
   */
  async watchBalance(userId: string, after: string | null = null): Promise<LiveStream<BalanceChanged>> {
    const cursors = new LiveCursors(userId, 'BALANCE');
    const seen = after === null ? null : cursors.read(after).sequence;
    return this.open<BalanceChanged>(userId, async () => {
      const { balance, events } = await readPresentState(this.options.database, userId, this.options.currency);
      if (seen !== null && !canGoOnAfter(seen, events)) throw new CursorExpired();
      const present: BalanceChanged = { cursor: cursors.at(events.last), balance, transactionId: null };
      return {
        position: seen ?? events.last,
        first: seen === null ? [present] : [],
        convert: balancesIn(balance.currency, cursors),
      };
    });
  }

  /**
   * Changes of grants after a cursor; without one the grants that are ACTIVE or SUSPENDED, oldest first, then changes. Ends
   * as watchBalance does.
   */
  async watchGrants(userId: string, after: string | null = null): Promise<LiveStream<GrantChanged>> {
    const cursors = new LiveCursors(userId, 'GRANT');
    const seen = after === null ? null : cursors.read(after).sequence;
    const convert = grantsIn(cursors);
    return this.open<GrantChanged>(userId, async () => {
      if (seen !== null) {
        const { events } = await readPresentState(this.options.database, userId, this.options.currency);
        if (!canGoOnAfter(seen, events)) throw new CursorExpired();
        return { position: seen, first: [], convert };
      }
      const { grantIds, last } = await readPresentGrants(this.options.database, userId, MAX_PRESENT_GRANTS);
      const first = grantIds.map((grantId, index) => ({
        // Who is cut off in the middle of the present state has not seen the rest of it.
        cursor: index === grantIds.length - 1 ? cursors.at(last) : cursors.afresh(),
        grantId,
      }));
      return { position: last, first, convert };
    });
  }

  /** For metrics. */
  statistics(): { viewers: number; streams: number } {
    return { viewers: this.viewers.size, streams: this.streamCount };
  }

  /** Ends every stream and takes no more. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    for (const { streams } of [...this.viewers.values()]) for (const stream of [...streams]) await stream.return();
  }

  /** Listens first and looks then, so that no change falls between. */
  private async open<Change>(
    userId: string,
    begin: () => Promise<LiveStreamStart<Change> & { convert(event: LiveEvent): Change | null }>,
  ): Promise<LiveStream<Change>> {
    if (this.stopped) throw new Error('the live feed is stopped');
    // The stream is not there yet while its beginning is read. It begins with a read, so a hint at that time is not missed.
    const viewer = this.enter(userId);
    try {
      const { convert, ...start } = await begin();
      const stream: LiveStream<Change> = new LiveStream(start, {
        convert: this.timed(convert),
        read: (after) => this.reader.read(userId, after),
        batchCount: this.options.settings.batchCount,
        onReadError: (error) => {
          this.doubtful = true;
          this.options.onError?.(error);
        },
        onEnd: () => {
          this.streamCount--;
          viewer.streams.delete(stream as LiveStream<unknown>);
          this.leave(userId, viewer);
        },
      });
      this.streamCount++;
      viewer.streams.add(stream as LiveStream<unknown>);
      if (this.stopped) await stream.return();
      return stream;
    } catch (error) {
      this.leave(userId, viewer);
      throw error;
    }
  }

  private timed<Change>(convert: (event: LiveEvent) => Change | null): (event: LiveEvent) => Change | null {
    const { lag } = this.options;
    if (!lag) return convert;
    const openedAtMs = lag.clock.now().getTime();
    return (event) => {
      const change = convert(event);
      const madeAtMs = event.createdAt.getTime();
      if (change !== null && madeAtMs >= openedAtMs) {
        lag.observe(Math.max(lag.clock.now().getTime() - madeAtMs, 0) / 1_000);
      }
      return change;
    };
  }

  private enter(userId: string): Viewer {
    const known = this.viewers.get(userId);
    if (known) {
      known.visits++;
      return known;
    }
    const streams: Viewer['streams'] = new Set();
    const stopListening = this.options.hints.listen(userId, (sequence) => {
      for (const stream of streams) stream.wake(sequence);
    });
    const viewer = { streams, visits: 1, stopListening };
    this.viewers.set(userId, viewer);
    return viewer;
  }

  private leave(userId: string, viewer: Viewer): void {
    viewer.visits--;
    if (viewer.visits > 0) return;
    viewer.stopListening();
    this.viewers.delete(userId);
  }

  private async tick(): Promise<void> {
    const { settings, hints } = this.options;
    // Half an interval of grace: timers are not exact.
    const dueMs = hints.state() === 'CONNECTED' ? settings.quietSweepIntervalMs - settings.sweepIntervalMs / 2 : 0;
    if (this.sweeping || (!this.doubtful && performance.now() - this.sweptAtMs < dueMs)) return;
    this.sweeping = true;
    this.doubtful = false;
    try {
      await this.sweep();
      this.sweptAtMs = performance.now();
    } catch (error) {
      this.doubtful = true;
      this.options.onError?.(error);
    } finally {
      this.sweeping = false;
    }
  }

  /** Finds the viewers who have events that no hint told of. */
  private async sweep(): Promise<void> {
    const userIds = [...this.viewers.keys()];
    for (let start = 0; start < userIds.length && !this.stopped; start += SWEEP_COUNT) {
      const part = userIds.slice(start, start + SWEEP_COUNT);
      const rows = await this.options.database.query<{ userId: string; last: number }>(SWEEP_LIVE_EVENTS, [part]);
      for (const { userId, last } of rows) for (const stream of this.viewers.get(userId)?.streams ?? []) stream.wakeTo(last);
    }
  }
}

// Made outside of where streams are opened: what a stream keeps for its life must not keep its beginning.
const balancesIn =
  (currency: string, cursors: LiveCursors) =>
  ({ version, posted, held, userId, createdAt, transactionId, sequence }: LiveEvent): BalanceChanged | null => {
    if (version === null || posted === null || held === null) return null;
    const balance = { userId, currency, posted, held, version, updatedAt: createdAt };
    return { cursor: cursors.at(sequence), balance, transactionId };
  };

const grantsIn =
  (cursors: LiveCursors) =>
  ({ grantId, sequence }: LiveEvent): GrantChanged | null =>
    grantId === null ? null : { cursor: cursors.at(sequence), grantId };
