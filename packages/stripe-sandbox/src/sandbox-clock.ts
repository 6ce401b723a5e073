/** The sandbox's source of time: anything with a `now`. */
export interface TimeSource {
  now(): Date;
}

/** A clock of the host process that can be moved. The sandbox then has no clock of its own: moving one moves both. */
export interface MovableTimeSource extends TimeSource {
  /** Moves the time forward. Resolves when every reader sees the new time. */
  advance(milliseconds: number): Promise<void>;
}

const isMovable = (source: TimeSource): source is MovableTimeSource => 'advance' in source;

/** A clock that can be moved forward: its source, if that can be moved, otherwise its source plus an offset. */
export class SandboxClock {
  private offsetMs = 0;

  constructor(private readonly source: TimeSource) {}

  now(): Date {
    return new Date(this.source.now().getTime() + this.offsetMs);
  }

  /** Whole seconds since 1970, Stripe's format for all times. */
  nowSeconds(): number {
    return Math.floor(this.now().getTime() / 1000);
  }

  /** How far this clock itself is ahead of its source. */
  get ownOffsetMs(): number {
    return this.offsetMs;
  }

  /** Restores the offset of an earlier run; a source that can be moved keeps its own. */
  restoreOffset(offsetMs: number): void {
    if (!isMovable(this.source)) this.offsetMs = offsetMs;
  }

  async advance(milliseconds: number): Promise<void> {
    if (isMovable(this.source)) await this.source.advance(milliseconds);
    else this.offsetMs += milliseconds;
  }
}
