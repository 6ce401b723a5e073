import type { Clock } from '../../runtime/clock.js';
import type { Queryable, Statement } from '../../stores/database.js';
import type { HintChannel } from '../../stores/hints.js';
import { type LiveEvent, LiveEventReader } from './live-event-reader.js';
import { LiveStream, type LiveStreamStart } from './live-stream.js';
import {
  type CurrentState,
  CursorExpired,
  canResumeAfter,
  type LiveBalance,
  LiveCursors,
  readCurrentGrants,
  readCurrentState,
} from './starting-point.js';

export interface BalanceChanged {
  readonly cursor: string;
  /** The balance after this change. */
  readonly balance: LiveBalance;
  /** The posting behind the change; null if only `held` changed, and for the current state. */
  readonly transactionId: string | null;
}

export interface GrantChanged {
  readonly cursor: string;
  readonly grantId: string;
}

export interface LiveFeedSettings {
  /** Events per read of one stream. */
  batchCount: number;
  /** Time between sweeps for lost hints while this node does not receive hints from other nodes. */
  sweepIntervalMs: number;
  /** Time between sweeps while it does. */
  quietSweepIntervalMs: number;
  /** How long a cursor is valid: a client that has missed an older change starts with the current state. */
  retentionMs: number;
}

export interface LiveFeedOptions {
  database: Queryable;
  hints: HintChannel;
  clock: Clock;
  settings: LiveFeedSettings;
  /** The currency of a balance that does not exist yet. */
  currency: string;
  /** Called with the seconds between a change and its read for a client. Changes from before the stream was opened do not count. */
  onLag?: (seconds: number) => void;
  /** Called with the error of each failed read; the read is retried. */
  onError?: (error: unknown) => void;
}

interface Viewer {
  readonly streams: Set<LiveStream<unknown>>;
  /** Open streams, plus those that are still reading their starting point. */
  streamCount: number;
  stopListening(): void;
}

/** Grants in the current state; a viewer with more receives the oldest ones, and the others when they change. */
const MAX_CURRENT_GRANTS = 10_000;
/** Viewers per sweep statement. */
const SWEEP_COUNT = 1_000;

const SWEEP_LIVE_EVENTS: Statement = {
  name: 'sweep-live-events',
  text: 'select user_id as "userId", journal_sequence as "last" from balances where user_id = any($1::uuid[])',
};

/**
 * Pushes each change of a viewer's balance and grants, in order, without gaps or duplicates. Journal entries are the source of
 * truth and are pulled; hints only say when to read, and a sweep finds the events of lost hints.
 */
export class LiveFeed {
  private readonly viewers = new Map<string, Viewer>();
  private readonly reader: LiveEventReader;
  private readonly timer: NodeJS.Timeout;
  private sweeping = false;
  /** A read or a sweep failed: sweep at the next tick. */
  private sweepNeeded = false;
  private sweptAtMs = performance.now();
  private stopped = false;
  private streamCount = 0;

  constructor(private readonly options: LiveFeedOptions) {
    this.reader = new LiveEventReader(options.database, options.settings.batchCount);
    this.timer = setInterval(() => void this.tick(), options.settings.sweepIntervalMs);
    this.timer.unref();
  }

  /**
   * Streams the changes of the balance after a cursor; without a cursor, the current balance first.
   *
   * @throws InvalidArgument for anything that is not a cursor of this viewer; CursorExpired
   */
  async watchBalance(userId: string, after: string | null = null): Promise<LiveStream<BalanceChanged>> {
    const cursors = new LiveCursors(userId, 'BALANCE');
    const seen = after === null ? null : cursors.read(after).sequence;
    return this.open<BalanceChanged>(userId, async () => {
      const { balance, position } = await this.readPosition(userId, seen);
      const current: BalanceChanged = { cursor: cursors.at(position.last), balance, transactionId: null };
      return {
        position: position.seen ?? position.last,
        first: seen === null ? [current] : [],
        convert: balancesIn(balance.currency, cursors),
      };
    });
  }

  /**
   * Streams the changes of grants after a cursor; without a cursor, first the grants that are ACTIVE or SUSPENDED, oldest first.
   *
   * @throws InvalidArgument for anything that is not a cursor of this viewer; CursorExpired
   */
  async watchGrants(userId: string, after: string | null = null): Promise<LiveStream<GrantChanged>> {
    const cursors = new LiveCursors(userId, 'GRANT');
    const seen = after === null ? null : cursors.read(after).sequence;
    const convert = grantsIn(cursors);
    return this.open<GrantChanged>(userId, async () => {
      if (seen !== null) {
        const { position } = await this.readPosition(userId, seen);
        return { position: position.seen ?? seen, first: [], convert };
      }
      const { grantIds, last } = await readCurrentGrants(this.options.database, userId, MAX_CURRENT_GRANTS);
      const first = grantIds.map((grantId, index) => ({
        // A client that disconnects in the middle of the current state has not seen the rest of it.
        cursor: index === grantIds.length - 1 ? cursors.at(last) : cursors.restart(),
        grantId,
      }));
      return { position: last, first, convert };
    });
  }

  /** For metrics. */
  statistics(): { viewers: number; streams: number } {
    return { viewers: this.viewers.size, streams: this.streamCount };
  }

  /** Ends every stream and rejects new ones. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    for (const { streams } of [...this.viewers.values()]) for (const stream of [...streams]) await stream.return();
  }

  /** @throws CursorExpired if the client may not resume after `seen` */
  private async readPosition(userId: string, seen: number | null): Promise<CurrentState> {
    const { database, currency, clock, settings } = this.options;
    const state = await readCurrentState(database, userId, currency, seen);
    const oldest = new Date(clock.now().getTime() - settings.retentionMs);
    const { position } = state;
    if (position.seen !== null && !canResumeAfter(position.seen, position, oldest)) throw new CursorExpired();
    return state;
  }

  /** Starts listening before it reads, so that no change is missed in between. */
  private async open<Change>(
    userId: string,
    readStart: () => Promise<LiveStreamStart<Change> & { convert(event: LiveEvent): Change | null }>,
  ): Promise<LiveStream<Change>> {
    if (this.stopped) throw new Error('the live feed is stopped');
    // There is no stream yet while its starting point is read. A hint at that time is not lost, because the stream starts with a read.
    const viewer = this.enter(userId);
    try {
      const { convert, ...start } = await readStart();
      const stream: LiveStream<Change> = new LiveStream(start, {
        convert: this.timed(convert),
        read: (after) => this.reader.read(userId, after),
        batchCount: this.options.settings.batchCount,
        onReadError: (error) => {
          this.sweepNeeded = true;
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
    const { onLag, clock } = this.options;
    if (!onLag) return convert;
    const openedAtMs = clock.now().getTime();
    return (event) => {
      const change = convert(event);
      const madeAtMs = event.createdAt.getTime();
      if (change !== null && madeAtMs >= openedAtMs) {
        onLag(Math.max(clock.now().getTime() - madeAtMs, 0) / 1_000);
      }
      return change;
    };
  }

  private enter(userId: string): Viewer {
    const known = this.viewers.get(userId);
    if (known) {
      known.streamCount++;
      return known;
    }
    const streams: Viewer['streams'] = new Set();
    const stopListening = this.options.hints.listen(userId, (sequence) => {
      for (const stream of streams) stream.wake(sequence);
    });
    const viewer = { streams, streamCount: 1, stopListening };
    this.viewers.set(userId, viewer);
    return viewer;
  }

  private leave(userId: string, viewer: Viewer): void {
    viewer.streamCount--;
    if (viewer.streamCount > 0) return;
    viewer.stopListening();
    this.viewers.delete(userId);
  }

  private async tick(): Promise<void> {
    const { settings, hints } = this.options;
    // Allow half an interval, because timers are not exact.
    const dueMs = hints.state() === 'CONNECTED' ? settings.quietSweepIntervalMs - settings.sweepIntervalMs / 2 : 0;
    if (this.sweeping || (!this.sweepNeeded && performance.now() - this.sweptAtMs < dueMs)) return;
    this.sweeping = true;
    this.sweepNeeded = false;
    try {
      await this.sweep();
      this.sweptAtMs = performance.now();
    } catch (error) {
      this.sweepNeeded = true;
      this.options.onError?.(error);
    } finally {
      this.sweeping = false;
    }
  }

  /** Wakes the streams of viewers who have events that no hint announced. */
  private async sweep(): Promise<void> {
    const userIds = [...this.viewers.keys()];
    for (let start = 0; start < userIds.length && !this.stopped; start += SWEEP_COUNT) {
      const part = userIds.slice(start, start + SWEEP_COUNT);
      const rows = await this.options.database.query<{ userId: string; last: number }>(SWEEP_LIVE_EVENTS, [part]);
      for (const { userId, last } of rows) for (const stream of this.viewers.get(userId)?.streams ?? []) stream.wake(last);
    }
  }
}

// Defined outside `open`: a closure that lives as long as the stream must not retain the stream's starting point.
const balancesIn =
  (currency: string, cursors: LiveCursors) =>
  ({ kind, subjectId, version, posted, held, userId, createdAt, sequence }: LiveEvent): BalanceChanged | null => {
    if (version === null || posted === null || held === null) return null;
    const balance = { userId, currency, posted, held, version, updatedAt: createdAt };
    return { cursor: cursors.at(sequence), balance, transactionId: kind === 'MOVEMENT' ? subjectId : null };
  };

const grantsIn =
  (cursors: LiveCursors) =>
  ({ kind, subjectId, sequence }: LiveEvent): GrantChanged | null =>
    kind === 'GRANT' && subjectId !== null ? { cursor: cursors.at(sequence), grantId: subjectId } : null;
