import type { LiveEvent } from './live-event-reader.js';

/** Where a stream starts. */
export interface LiveStreamStart<Change> {
  /** The client has seen all events up to and including this number. */
  position: number;
  /** Sent before any event: the current state. */
  first: readonly Change[];
}

export interface LiveStreamOptions<Change> {
  /** Returns the viewer's next events after a number, at most `batchCount`. */
  read(after: number): Promise<readonly LiveEvent[]>;
  batchCount: number;
  /** Converts an event to what the stream sends; null if the event is about something else. */
  convert(event: LiveEvent): Change | null;
  /** Called when events could not be read; the stream continues at the next sweep. */
  onReadError(error: unknown): void;
  onEnd(): void;
}

const DONE = { value: undefined, done: true } as const;

/**
 * One subscriber's progress through a viewer's events. It reads only when the subscriber wants more and the queue is empty, so a slow
 * subscriber costs at most one batch. Of ten thousand streams, most are idle: an idle stream holds no promise, and an event creates
 * none of its own. Not an async generator, because `return` must end a pending `next`, which a generator cannot do.
 */
export class LiveStream<Change> implements AsyncIterableIterator<Change, undefined, undefined> {
  private queue: Change[];
  private position: number;
  /** There may be events after `position`. */
  private behind = true;
  private reading = false;
  private ended = false;
  private failure: { error: unknown } | null = null;
  /** Called when there may be something in the queue or to read, and at the end. */
  private onReady: () => void = () => undefined;

  constructor(
    start: LiveStreamStart<Change>,
    private readonly options: LiveStreamOptions<Change>,
  ) {
    this.queue = [...start.first];
    this.position = start.position;
  }

  /** Called by a hint or the sweep: there are events up to `sequence`; with null, there may be some. */
  wake(sequence: number | null): void {
    if (sequence !== null && sequence <= this.position) return;
    this.behind = true;
    this.onReady();
  }

  /**
   * Passes each change to `receive`; if it returns a promise, the next change follows once that has resolved. Resolves at the end of
   * the stream; rejects with the error of the stream or of `receive`. Use it instead of iterating.
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

  /** Must not be called again before the previous call has settled. */
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

  /** Ends the stream, including a pending `next`. */
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

  /** Throws the error that ended the stream, once. */
  private async atEnd(): Promise<IteratorResult<Change, undefined>> {
    const { failure } = this;
    this.failure = null;
    if (failure) throw failure.error;
    return DONE;
  }

  private readOn(): void {
    if (!this.behind || this.reading || this.ended) return;
    this.reading = true;
    // Reset before the read: a hint that arrives during it requires another read.
    this.behind = false;
    this.options.read(this.position).then(
      (events) => {
        this.reading = false;
        if (this.ended) return;
        try {
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
