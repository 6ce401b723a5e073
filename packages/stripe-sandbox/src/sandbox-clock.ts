/** Where the sandbox reads the time; anything with a `now` will do. */
export interface TimeSource {
  now(): Date;
}

/** A clock of the host's that can be moved. The sandbox then keeps no time of its own: whoever moves one moves both. */
export interface MovableTimeSource extends TimeSource {
  /** Moves the time forward. Resolves when everyone who reads it sees the new time. */
  advance(milliseconds: number): Promise<void>;
}

const isMovable = (source: TimeSource): source is MovableTimeSource => 'advance' in source;

/** A clock that can be moved forward: its source, if that can be moved, or else the time of its source plus an offset. */
export class SandboxClock {
  private offsetMs = 0;

  constructor(private readonly source: TimeSource) {}

  now(): Date {
    return new Date(this.source.now().getTime() + this.offsetMs);
  }

  /** Whole seconds since 1970, as Stripe writes every time. */
  nowSeconds(): number {
    return Math.floor(this.now().getTime() / 1000);
  }

  /** By how much this clock alone is ahead of its source. */
  get ownOffsetMs(): number {
    return this.offsetMs;
  }

  /** Takes up the offset of an earlier start; a source that can be moved keeps its own. */
  restoreOffset(offsetMs: number): void {
    if (!isMovable(this.source)) this.offsetMs = offsetMs;
  }

  async advance(milliseconds: number): Promise<void> {
    if (isMovable(this.source)) await this.source.advance(milliseconds);
    else this.offsetMs += milliseconds;
  }
}
