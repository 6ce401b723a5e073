/** The maximum number of composed statements that are prepared on a connection at once. */
const PLACES = 200;
/** The minimum time between two replacements. Together with a connection's lifetime it bounds how many statements it ever prepares. */
const REPLACEMENT_INTERVAL_MS = 30_000;

export interface PreparedPlacesSettings {
  readonly count?: number;
  readonly replacementIntervalMs?: number;
  /** A clock that never goes backwards, in milliseconds. */
  readonly nowMs?: () => number;
}

/**
 * Decides which composed statements are prepared. There is one for each shape of a page, so clients can cause any number of them, and a
 * connection keeps every statement it has prepared until it closes. A statement is therefore prepared only if it has a place. When all
 * places are taken, a new statement replaces the least recently used one, at most once per interval: a client that keeps sending new
 * shapes can neither evict the statements in use nor fill up connections. A statement without a place is planned each time it runs.
 */
export class PreparedPlaces {
  /** Least recently used first. */
  private readonly names = new Set<string>();
  private replacedAtMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly settings: PreparedPlacesSettings = {}) {}

  /** Whether the statement of this name has a place, or gets one now. Call it each time the statement is about to run. */
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
