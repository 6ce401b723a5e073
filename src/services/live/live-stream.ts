import type { LiveEvent } from '../../entities/live-event.js';
import { CursorExpired } from './live-cursor.js';

/** Where a stream begins. */
export interface LiveStreamStart<Change> {
  /** All events up to and including this number were seen. */
  position: number;
  /** What comes before any event: the present state. */
  first: readonly Change[];
}

export interface LiveStreamOptions<Change> {
  /** The viewer's next events after a number, at most `batchCount`. */
  read(after: number): Promise<LiveEvent[]>;
  batchCount: number;
  /** What the stream gives for an event; null when it tells of something else. */
  convert(event: LiveEvent): Change | null;
  /** Told when events could not be read; the stream goes on at the next sweep. */
  onReadError(error: unknown): void;
  onEnd(): void;
}

/**
 * One subscriber's way through a viewer's events. It reads only when it is asked for more and has nothing left, so a slow
 * subscriber costs one batch and no more. Written by hand, for `return` must end a `next` that is waiting, which an async
 * generator cannot do.
 */
export class LiveStream<Change> implements AsyncIterableIterator<Change, undefined, undefined> {
  private queue: Change[];
  private position: number;
  /** There may be events behind `position`. */
  private behind = true;
  private surelyUpTo = 0;
  private pulling: Promise<void> | null = null;
  private sleeping: (() => void)[] = [];
  private ended = false;

  constructor(
    start: LiveStreamStart<Change>,
    private readonly options: LiveStreamOptions<Change>,
  ) {
    this.queue = [...start.first];
    this.position = start.position;
  }

  /** There are events up to `sequence`; null: there may be some. */
  wake(sequence: number | null): void {
    if (sequence !== null && sequence <= this.position) return;
    this.behind = true;
    this.rouse();
  }

  /** The database says that the last event is `sequence`. */
  wakeForSure(sequence: number): void {
    this.surelyUpTo = sequence;
    this.wake(sequence);
  }

  async next(): Promise<IteratorResult<Change, undefined>> {
    while (!this.ended) {
      const change = this.queue.shift();
      if (change !== undefined) return { value: change, done: false };
      if (this.behind) await this.pull();
      else await new Promise<void>((resolve) => this.sleeping.push(resolve));
    }
    return { value: undefined, done: true };
  }

  /** Ends the stream, also for whoever waits in `next`. */
  async return(): Promise<IteratorResult<Change, undefined>> {
    this.end();
    return { value: undefined, done: true };
  }

  async throw(error: unknown): Promise<IteratorResult<Change, undefined>> {
    this.end();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  private pull(): Promise<void> {
    this.pulling ??= this.readOn().finally(() => {
      this.pulling = null;
    });
    return this.pulling;
  }

  private async readOn(): Promise<void> {
    // Before the read: a hint that comes while it runs means another one.
    this.behind = false;
    const surelyUpTo = this.surelyUpTo;
    let events: LiveEvent[];
    try {
      events = await this.options.read(this.position);
    } catch (error) {
      this.options.onReadError(error);
      return;
    }
    if (this.ended) return;
    // Known before the read, so the read would have seen it.
    if (events.length === 0 && surelyUpTo > this.position) this.expire();
    for (const event of events) {
      // Numbers have no gaps. One that is missing was swept while this stream stood still.
      if (event.sequence !== this.position + 1) this.expire();
      this.position = event.sequence;
      const change = this.options.convert(event);
      if (change !== null) this.queue.push(change);
    }
    if (events.length >= this.options.batchCount) this.behind = true;
  }

  private expire(): never {
    this.end();
    throw new CursorExpired();
  }

  private end(): void {
    if (this.ended) return;
    this.ended = true;
    this.queue = [];
    this.rouse();
    this.options.onEnd();
  }

  private rouse(): void {
    const sleeping = this.sleeping;
    this.sleeping = [];
    for (const resolve of sleeping) resolve();
  }
}
