export interface BackgroundQueueSettings<Item> {
  readonly concurrency: number;
  /** When this many items are waiting, further ones are rejected. */
  readonly capacity: number;
  readonly work: (item: Item) => Promise<unknown>;
  readonly onError: (error: unknown, item: Item) => void;
}

/** Processes items in the background, with bounded concurrency and a bounded queue. */
export class BackgroundQueue<Item> {
  private readonly waiting: Item[] = [];
  private readonly running = new Set<Promise<void>>();
  private closed = false;

  constructor(private readonly settings: BackgroundQueueSettings<Item>) {}

  /** Returns false if the queue is full or closed: the item must be processed elsewhere. */
  add(item: Item): boolean {
    if (this.closed || this.waiting.length >= this.settings.capacity) return false;
    this.waiting.push(item);
    this.startNext();
    return true;
  }

  /** Drops waiting items and resolves when the running ones have finished. */
  async close(): Promise<void> {
    this.closed = true;
    this.waiting.length = 0;
    await this.idle();
  }

  /** Resolves when nothing is waiting or running. */
  async idle(): Promise<void> {
    while (this.running.size > 0) await Promise.all(this.running);
  }

  private startNext(): void {
    if (this.running.size >= this.settings.concurrency) return;
    const item = this.waiting.shift();
    if (item === undefined) return;
    const run = this.settings
      .work(item)
      .then(() => {})
      .catch((error) => this.settings.onError(error, item))
      .finally(() => {
        this.running.delete(run);
        this.startNext();
      });
    this.running.add(run);
  }
}
