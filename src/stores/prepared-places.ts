/** So many statements of the kind that callers compose are prepared on a connection at once. */
const PLACES = 200;
/** From one replacement to the next. With the life of a connection it bounds how many statements a connection ever prepares. */
const REPLACEMENT_INTERVAL_MS = 30_000;

export interface PreparedPlacesSettings {
  readonly count?: number;
  readonly replacementIntervalMs?: number;
  /** A clock that never goes backwards, in milliseconds. */
  readonly nowMs?: () => number;
}

/**
 * Which of the statements that callers compose are prepared: one for each shape of a page, so there are as many as a client likes to
 * send. A connection keeps what it has prepared until it ends, so a statement needs a place. When all are taken, it gets the place that
 * was unused for longest, but only one in each interval: one client that sends ever new shapes takes no place of those in use, and
 * fills no connection. Without a place a statement is planned each time.
 */
export class PreparedPlaces {
  /** The least recently used first. */
  private readonly names = new Set<string>();
  private replacedAtMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly settings: PreparedPlacesSettings = {}) {}

  /** Whether the statement of this name, which is to run now, has a place. */
  use(name: string): boolean {
    if (!this.names.delete(name) && !this.makeRoom()) return false;
    this.names.add(name);
    return true;
  }

  private makeRoom(): boolean {
    const { count = PLACES, replacementIntervalMs = REPLACEMENT_INTERVAL_MS, nowMs = () => performance.now() } = this.settings;
    if (this.names.size < count) return true;
    const now = nowMs();
    if (now - this.replacedAtMs < replacementIntervalMs) return false;
    this.replacedAtMs = now;
    const [oldest] = this.names;
    return oldest !== undefined && this.names.delete(oldest);
  }
}
