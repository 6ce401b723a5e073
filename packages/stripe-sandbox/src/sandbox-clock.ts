/** Where the sandbox reads the time; anything with a `now` will do. */
export interface TimeSource {
  now(): Date;
}

/** A clock that can be moved: the time of its source plus an offset. Signatures use the source, which is the receiver's time. */
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

  /** The time without the offset, in seconds: what a receiver of a signature compares with. */
  sourceSeconds(): number {
    return Math.floor(this.source.now().getTime() / 1000);
  }

  get currentOffsetMs(): number {
    return this.offsetMs;
  }

  setOffset(offsetMs: number): void {
    this.offsetMs = offsetMs;
  }

  advance(seconds: number): void {
    this.offsetMs += seconds * 1000;
  }

  moveTo(time: Date): void {
    this.offsetMs = time.getTime() - this.source.now().getTime();
  }
}
