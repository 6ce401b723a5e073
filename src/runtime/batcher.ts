export interface BatchLimits {
  /** Requests per batch. */
  readonly maxSize: number;
  readonly maxConcurrency: number;
}

interface Waiting<Request, Result> {
  readonly request: Request;
  readonly result: Promise<Result>;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/**
 * Answers many requests by one call of `run`, which returns their results in the same order. At most `maxConcurrency` calls run at once,
 * and requests that arrive meanwhile share the next one: the busier the process, the cheaper each request. A call starts after its requests
 * were made, so it sees everything committed before. Waiting requests with the same key share their result; by default none do.
 */
export class Batcher<Request, Result> {
  private readonly waiting = new Map<unknown, Waiting<Request, Result>>();
  private runningCount = 0;
  private planned = false;

  constructor(
    private readonly run: (requests: readonly Request[]) => Promise<readonly Result[]>,
    private readonly limits: BatchLimits,
    private readonly keyOf: (request: Request) => unknown = (request) => request,
  ) {}

  /** @throws the errors of `run` */
  load(request: Request): Promise<Result> {
    const key = this.keyOf(request);
    const known = this.waiting.get(key);
    if (known) return known.result;
    const waiting = { request } as { -readonly [Name in keyof Waiting<Request, Result>]: Waiting<Request, Result>[Name] };
    waiting.result = new Promise((resolve, reject) => {
      waiting.resolve = resolve;
      waiting.reject = reject;
    });
    this.waiting.set(key, waiting);
    this.plan();
    return waiting.result;
  }

  /** Waits until this turn of the event loop has read all requests from the sockets. */
  private plan(): void {
    if (this.planned || !this.mayRun()) return;
    this.planned = true;
    setImmediate(() => {
      this.planned = false;
      if (this.mayRun()) void this.runBatch();
    });
  }

  private mayRun(): boolean {
    return this.waiting.size > 0 && this.runningCount < this.limits.maxConcurrency;
  }

  private async runBatch(): Promise<void> {
    const batch: Waiting<Request, Result>[] = [];
    for (const [key, waiting] of this.waiting) {
      if (batch.length === this.limits.maxSize) break;
      batch.push(waiting);
      this.waiting.delete(key);
    }
    this.runningCount += 1;
    this.plan();
    try {
      const results = await this.run(batch.map(({ request }) => request)).finally(() => this.ended());
      for (const [index, waiting] of batch.entries()) waiting.resolve(results[index] as Result);
    } catch (error) {
      for (const waiting of batch) waiting.reject(error);
    }
  }

  /** The next batch starts before the results of this one are handed out: the database works while their callers continue. */
  private ended(): void {
    this.runningCount -= 1;
    if (!this.planned && this.mayRun()) void this.runBatch();
  }
}
