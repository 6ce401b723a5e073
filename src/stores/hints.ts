/** Notifies listeners on any node that a viewer has journal entries up to a number. A lost hint causes a delay, never a lost change. */
export interface Hints {
  /** Called after the commit. Never throws, never waits. */
  announce(userId: string, sequence: number): void;
}

/** Called with the announced number, or with null if hints may have been lost, so that the listener must poll. */
export type HintListener = (sequence: number | null) => void;

/**
 * ALONE: there is only this process. CONNECTED: hints from all nodes arrive. DOWN: only this process's own hints arrive; listeners are
 * called with null once the connection is back.
 */
export type HintState = 'ALONE' | 'CONNECTED' | 'DOWN';

/** The receiving side of hints, for the live feed. */
export interface HintChannel extends Hints {
  /** Calls `listener` for each hint about the viewer, until the returned function is called. */
  listen(userId: string, listener: HintListener): () => void;
  /** For readiness and metrics. */
  state(): HintState;
  close(): Promise<void>;
}

/** Hints within one process. */
export class LocalHints implements HintChannel {
  private readonly listeners = new Map<string, Set<HintListener>>();

  announce(userId: string, sequence: number): void {
    this.deliver(userId, sequence);
  }

  /** Like `announce`; null: hints about this viewer may have been lost. */
  deliver(userId: string, sequence: number | null): void {
    for (const listener of this.listeners.get(userId) ?? []) listener(sequence);
  }

  listen(userId: string, listener: HintListener): () => void {
    let listeners = this.listeners.get(userId);
    if (!listeners) {
      listeners = new Set();
      this.listeners.set(userId, listeners);
    }
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.listeners.get(userId) === listeners) this.listeners.delete(userId);
    };
  }

  /** Whether anyone listens for hints about the viewer. */
  hears(userId: string): boolean {
    return this.listeners.has(userId);
  }

  /** Notifies all listeners that hints may have been lost. */
  invalidate(): void {
    for (const listeners of this.listeners.values()) for (const listener of listeners) listener(null);
  }

  /** The viewers that have listeners. */
  viewers(): Iterable<string> {
    return this.listeners.keys();
  }

  state(): HintState {
    return 'ALONE';
  }

  async close(): Promise<void> {
    this.listeners.clear();
  }
}
