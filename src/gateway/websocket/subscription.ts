import type { ExecutionResult, GraphQLError } from 'graphql';
import type { LiveStream } from '../../services/live/live-stream.js';

export interface PushedEventsOptions {
  /** Tells of an event: with a promise only when there is something to wait for. */
  resolve(event: unknown): ExecutionResult | Promise<ExecutionResult>;
  /** Sends what was told; gives back a promise when the client must read first. */
  push(result: ExecutionResult): Promise<void> | undefined;
}

/** An event could not be told: all that was wrong with it. */
export class EventFailed extends Error {
  override readonly name = 'EventFailed';

  constructor(readonly errors: readonly GraphQLError[]) {
    super('an event gave no data');
  }
}

const DONE = { value: undefined, done: true } as const;

type Receive = (event: unknown) => Promise<void> | undefined;

/**
 * A live operation as graphql-ws sees it: an iterator that has nothing to give and, asked for its first item, sends every
 * event by itself until there are no more. So graphql-ws keeps the operation's beginning, its end and its errors, and events
 * do not pass through its layers of promises: they cost more than the event itself.
 */
export class PushedEvents implements AsyncIterableIterator<never, undefined, undefined> {
  private ended = false;

  constructor(
    private readonly source: AsyncIterator<unknown>,
    private readonly options: PushedEventsOptions,
  ) {}

  /** Ends when the source does, or when its client has given it up; in the error of an event that cannot be told. */
  async next(): Promise<IteratorResult<never, undefined>> {
    try {
      if (!this.ended) await pushAll(this.source, (event) => this.receive(event));
      return DONE;
    } finally {
      await this.return();
    }
  }

  async return(): Promise<IteratorResult<never, undefined>> {
    if (this.ended) return DONE;
    this.ended = true;
    await this.source.return?.();
    return DONE;
  }

  async throw(error: unknown): Promise<IteratorResult<never, undefined>> {
    await this.return();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  private receive(event: unknown): Promise<void> | undefined {
    const result = this.options.resolve(event);
    return result instanceof Promise ? result.then((settled) => this.send(settled)) : this.send(result);
  }

  private send(result: ExecutionResult): Promise<void> | undefined {
    // An event that cannot be told would be a gap. The operation ends, and the client goes on after its last cursor.
    if (result.data === null || result.data === undefined) throw new EventFailed(result.errors ?? []);
    // The client may have given up this operation meanwhile, and begun another one with the same id.
    return this.ended ? undefined : this.options.push(result);
  }
}

/** Streams of the feed push by themselves; any other is iterated. */
async function pushAll(source: AsyncIterator<unknown> & { pushTo?: LiveStream<unknown>['pushTo'] }, receive: Receive) {
  if (source.pushTo) return source.pushTo(receive);
  for (;;) {
    const { value, done } = await source.next();
    if (done) return;
    await receive(value);
  }
}
