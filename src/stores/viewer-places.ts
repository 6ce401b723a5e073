/** A viewer has too many running and waiting statements: try again soon. */
export class ViewerBusy extends Error {
  override readonly name = 'ViewerBusy';

  constructor(readonly userId: string) {
    super('too many statements of one viewer are running');
  }
}

export interface ViewerPlacesSettings {
  /** Statements or transactions of one viewer that may hold a connection at once. */
  readonly maximumCount: number;
  /** How many more may wait for a place. */
  readonly queueCount: number;
  readonly waitMs: number;
}

/** Releases a place. Call once. */
export type Release = () => void;

interface Waiter {
  readonly admit: (release: Release) => void;
  readonly timer: NodeJS.Timeout;
}

interface Places {
  taken: number;
  readonly waiting: Set<Waiter>;
}

/**
 * Limits how many connections of the pool one viewer's changes hold. They wait for each other's lock anyway; without a limit, all
 * connections could wait for one long-held lock, and everyone else behind them. A change that waits for a place holds no connection, and
 * one that holds a connection never waits for a place, so they cannot deadlock.
 */
export class ViewerPlaces {
  private readonly viewers = new Map<string, Places>();

  constructor(private readonly settings: ViewerPlacesSettings) {}

  /** Takes a place if one is free; null otherwise. */
  tryTake(userId: string): Release | null {
    const key = userId.toLowerCase();
    const places = this.placesOf(key);
    if (places.taken >= this.settings.maximumCount) return null;
    places.taken++;
    return () => this.release(key, places);
  }

  /** Waits in turn for a place. @throws ViewerBusy when too many wait, or for too long */
  take(userId: string): Promise<Release> {
    const free = this.tryTake(userId);
    if (free) return Promise.resolve(free);
    const { waiting } = this.placesOf(userId.toLowerCase());
    if (waiting.size >= this.settings.queueCount) return Promise.reject(new ViewerBusy(userId));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.delete(waiter);
        reject(new ViewerBusy(userId));
      }, this.settings.waitMs);
      const waiter = { admit: resolve, timer };
      waiting.add(waiter);
    });
  }

  private placesOf(key: string): Places {
    const known = this.viewers.get(key);
    if (known) return known;
    const places: Places = { taken: 0, waiting: new Set() };
    this.viewers.set(key, places);
    return places;
  }

  private release(key: string, places: Places): void {
    const [next] = places.waiting;
    if (next) {
      places.waiting.delete(next);
      clearTimeout(next.timer);
      next.admit(() => this.release(key, places));
      return;
    }
    places.taken--;
    if (places.taken === 0) this.viewers.delete(key);
  }
}
