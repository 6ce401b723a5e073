/** Tells whoever listens, on any node, that a viewer has live events up to a number. Lost hints cost time, never events. */
export interface Hints {
  /** Called after the commit. Never throws, never waits. */
  announce(userId: string, sequence: number): void;
}

/** Called with the number announced, or with null when hints may have been lost: then look for yourself. */
export type HintListener = (sequence: number | null) => void;

/**
 * ALONE: this process hears only itself. CONNECTED: it hears all nodes. DOWN: it should hear all nodes and hears only
 * itself; listeners are called with null once it hears again.
 */
export type HintState = 'ALONE' | 'CONNECTED' | 'DOWN';

/** The hearing side of hints, as the live feed uses it. */
export interface HintChannel extends Hints {
  /** Calls `listener` for each hint about the viewer, until the function given back is called. */
  listen(userId: string, listener: HintListener): () => void;
  /** For readiness and metrics. */
  state(): HintState;
  close(): Promise<void>;
}

/** Hints within one process. */
export class LocalHints implements HintChannel {
  private readonly listeners = new Map<string, Set<HintListener>>();

  announce(userId: string, sequence: number): void {
    this.tell(userId, sequence);
  }

  /** As announce; null: hints about this viewer may have been lost. */
  tell(userId: string, sequence: number | null): void {
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

  /** Whether anyone listens to the viewer. */
  hears(userId: string): boolean {
    return this.listeners.has(userId);
  }

  /** Tells everyone that hints may have been lost. */
  invalidate(): void {
    for (const listeners of this.listeners.values()) for (const listener of listeners) listener(null);
  }

  /** The viewers that are listened to. */
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
