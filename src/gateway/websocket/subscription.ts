import type { ExecutionResult, GraphQLError } from 'graphql';
import type { LiveStream } from '../../services/live/live-stream.js';

/** What resolves each event, and sends it: see SocketOperation. */
interface EventOperation {
  resolve(event: unknown): ExecutionResult | Promise<ExecutionResult>;
  push(result: ExecutionResult): Promise<void> | undefined;
}

/** An event could not be resolved; contains all of its errors. */
export class EventFailed extends Error {
  override readonly name = 'EventFailed';

  constructor(readonly errors: readonly GraphQLError[]) {
    super('the event has no data');
  }
}

const DONE = { value: undefined, done: true } as const;

type Receive = (event: unknown) => Promise<void> | undefined;

/**
 * A live operation for graphql-ws: an iterator without items that, when asked for the first one, sends all events itself until there are
 * no more. graphql-ws still handles the operation's start, end and errors, but events bypass its layers of promises, which cost more than
 * the event itself.
 */
export class PushedEvents implements AsyncIterableIterator<never, undefined, undefined> {
  private ended = false;

  constructor(
    private readonly source: AsyncIterator<unknown>,
    private readonly operation: EventOperation,
  ) {}

  /** Resolves when the source ends or its client completes the operation. @throws EventFailed */
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
    const result = this.operation.resolve(event);
    return result instanceof Promise ? result.then((settled) => this.send(settled)) : this.send(result);
  }

  private send(result: ExecutionResult): Promise<void> | undefined {
    // A failed event would be a gap. The operation ends, and the client resumes after its last cursor.
    if (result.data === null || result.data === undefined) throw new EventFailed(result.errors ?? []);
    // The client may have completed this operation in the meantime, and started another one with the same id.
    return this.ended ? undefined : this.operation.push(result);
  }
}

/** Streams of the feed push their events; any other is iterated. */
async function pushAll(source: AsyncIterator<unknown> & { pushTo?: LiveStream<unknown>['pushTo'] }, receive: Receive) {
  if (source.pushTo) return source.pushTo(receive);
  for (;;) {
    const { value, done } = await source.next();
    if (done) return;
    await receive(value);
  }
}
