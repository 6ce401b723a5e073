export interface BackgroundQueueSettings<Item> {
  readonly concurrency: number;
  /** More than this many waiting are turned away. */
  readonly capacity: number;
  readonly work: (item: Item) => Promise<unknown>;
  readonly onError: (error: unknown, item: Item) => void;
}

/** Works things off in the background, a few at a time, and holds no more than it may. */
export class BackgroundQueue<Item> {
  private readonly waiting: Item[] = [];
  private readonly running = new Set<Promise<void>>();
  private closed = false;

  constructor(private readonly settings: BackgroundQueueSettings<Item>) {}

  /** False when it is full or closed: someone else has to see to the item. */
  add(item: Item): boolean {
    if (this.closed || this.waiting.length >= this.settings.capacity) return false;
    this.waiting.push(item);
    this.startNext();
    return true;
  }

  /** Drops what waits and ends when what runs has ended. */
  async close(): Promise<void> {
    this.closed = true;
    this.waiting.length = 0;
    await this.idle();
  }

  /** Ends when nothing waits and nothing runs. */
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
