export interface BatchLimits {
  /** Requests per batch. */
  readonly maxSize: number;
  readonly maxConcurrency: number;
}

interface Waiting<Request, Result> {
  readonly request: Request;
  /** Null if requests do not share results. */
  readonly key: string | null;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/**
 * Answers many requests by one call of `run`, which returns their results in the same order. At most `maxConcurrency` calls run at once,
 * and requests that arrive meanwhile share the next one: the busier the process, the cheaper each request. A call starts after its requests
 * were made, so it sees everything committed before. Waiting requests with the same key share their result; without keys none do.
 */
export class Batcher<Request, Result> {
  private readonly waiting: Waiting<Request, Result>[] = [];
  private readonly resultsByKey = new Map<string, Promise<Result>>();
  private runningCount = 0;
  private planned = false;

  constructor(
    private readonly run: (requests: readonly Request[]) => Promise<readonly Result[]>,
    private readonly limits: BatchLimits,
    private readonly keyOf?: (request: Request) => string,
  ) {}

  /** @throws the errors of `run` */
  load(request: Request): Promise<Result> {
    const key = this.keyOf ? this.keyOf(request) : null;
    const known = key === null ? undefined : this.resultsByKey.get(key);
    if (known) return known;
    const result = new Promise<Result>((resolve, reject) => {
      this.waiting.push({ request, key, resolve, reject });
    });
    if (key !== null) this.resultsByKey.set(key, result);
    this.plan();
    return result;
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
    return this.waiting.length > 0 && this.runningCount < this.limits.maxConcurrency;
  }

  private async runBatch(): Promise<void> {
    const batch = this.waiting.splice(0, this.limits.maxSize);
    for (const { key } of batch) if (key !== null) this.resultsByKey.delete(key);
    this.runningCount += 1;
    this.plan();
    try {
      const results = await this.run(batch.map(({ request }) => request)).finally(() => this.ended());
      batch.forEach(({ resolve }, index) => void resolve(results[index] as Result));
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
