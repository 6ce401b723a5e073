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
  read(after: number): Promise<readonly LiveEvent[]>;
  batchCount: number;
  /** What the stream gives for an event; null when it tells of something else. */
  convert(event: LiveEvent): Change | null;
  /** Told when events could not be read; the stream goes on at the next sweep. */
  onReadError(error: unknown): void;
  onEnd(): void;
}

const DONE = { value: undefined, done: true } as const;

/**
 * One subscriber's way through a viewer's events. It reads only when it is asked for more and has nothing left, so a slow
 * subscriber costs one batch and no more. Ten thousand of them stand still most of the time: at rest none holds a promise, and
 * an event makes none of its own. Written by hand, for `return` must end a `next` that is waiting, which an async generator
 * cannot do.
 */
export class LiveStream<Change> implements AsyncIterableIterator<Change, undefined, undefined> {
  private queue: Change[];
  private position: number;
  /** There may be events behind `position`. */
  private behind = true;
  private knownLast = 0;
  private reading = false;
  private ended = false;
  private failure: { error: unknown } | null = null;
  /** Called when there may be something to take or to read, and at the end. */
  private onReady: () => void = () => undefined;

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
    this.onReady();
  }

  /** The database says that the last event is `sequence`. */
  wakeTo(sequence: number): void {
    this.knownLast = sequence;
    this.wake(sequence);
  }

  /**
   * Gives each change to `receive`, and the next one when the promise that it gives back, if any, has resolved. Resolves at the
   * end of the stream; rejects with what the stream or `receive` ends in. Takes the place of iteration.
   */
  pushTo(receive: (change: Change) => Promise<void> | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      let paused = false;
      const fail = (error: unknown) => {
        reject(error);
        this.end();
      };
      const resume = () => {
        paused = false;
        this.onReady();
      };
      this.onReady = () => {
        if (paused) return;
        try {
          for (let change = this.queue.shift(); change !== undefined; change = this.queue.shift()) {
            const taken = receive(change);
            if (!taken) continue;
            paused = true;
            taken.then(resume, fail);
            return;
          }
        } catch (error) {
          fail(error);
        }
        if (this.ended) resolve(this.atEnd().then(() => undefined));
        else this.readOn();
      };
      this.onReady();
    });
  }

  /** One call at a time. */
  async next(): Promise<IteratorResult<Change, undefined>> {
    for (;;) {
      const change = this.queue.shift();
      if (change !== undefined) return { value: change, done: false };
      if (this.ended) return this.atEnd();
      await new Promise<void>((resolve) => {
        this.onReady = resolve;
        this.readOn();
      });
    }
  }

  /** Ends the stream, also for whoever waits in `next`. */
  async return(): Promise<IteratorResult<Change, undefined>> {
    this.end();
    return DONE;
  }

  async throw(error: unknown): Promise<IteratorResult<Change, undefined>> {
    this.end();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** What the stream ended in is thrown once. */
  private async atEnd(): Promise<IteratorResult<Change, undefined>> {
    const { failure } = this;
    this.failure = null;
    if (failure) throw failure.error;
    return DONE;
  }

  private readOn(): void {
    if (!this.behind || this.reading || this.ended) return;
    this.reading = true;
    // Before the read: a hint that comes while it runs means another one.
    this.behind = false;
    const { knownLast } = this;
    this.options.read(this.position).then(
      (events) => {
        this.reading = false;
        if (this.ended) return;
        try {
          if (this.isExpired(events, knownLast)) throw new CursorExpired();
          this.accept(events);
        } catch (error) {
          this.end({ error });
        }
      },
      (error: unknown) => {
        this.reading = false;
        this.options.onReadError(error);
      },
    );
  }

  /**
   * Numbers have no gaps: where they do not follow, events were swept while this stream stood still. `surelyUpTo` was known
   * before the read, so the read has seen it.
   */
  private isExpired(events: readonly LiveEvent[], knownLast: number): boolean {
    const last = events.at(-1);
    return last ? last.sequence !== this.position + events.length : knownLast > this.position;
  }

  private accept(events: readonly LiveEvent[]): void {
    for (const event of events) {
      const change = this.options.convert(event);
      if (change !== null) this.queue.push(change);
    }
    this.position += events.length;
    if (events.length >= this.options.batchCount) this.behind = true;
    if (this.behind || this.queue.length > 0) this.onReady();
  }

  private end(failure: { error: unknown } | null = null): void {
    if (this.ended) return;
    this.ended = true;
    this.failure = failure;
    this.queue = [];
    this.onReady();
    this.options.onEnd();
  }
}
