/** Tells whoever listens, on any node, that a viewer has live events up to a number. Lost hints cost time, never events. */
export interface Hints {
  /** Called after the commit. Never throws, never waits. */
  announce(userId: string, sequence: number): void;
}
