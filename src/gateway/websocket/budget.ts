export interface SocketBudgetSettings {
  readonly socketMessagesWindowMs: number;
  /** Messages, pings and pongs within the window. */
  readonly socketMessagesCount: number;
  /** Bytes within the window, as received. */
  readonly socketReceivedBytes: number;
}

/**
 * Limits what one socket may send: a token bucket for messages and one for bytes, each initially full and refilled evenly over the
 * window. Counted in this process only, so a message costs just a subtraction.
 */
export class SocketBudget {
  private messages: number;
  private bytes: number;
  private refilledAtMs: number;

  /** `nowMs`: a clock that never goes backwards. */
  constructor(
    private readonly settings: SocketBudgetSettings,
    private readonly nowMs: () => number,
  ) {
    this.messages = settings.socketMessagesCount;
    this.bytes = settings.socketReceivedBytes;
    this.refilledAtMs = nowMs();
  }

  /** Counts received data; returns false if it exceeds the budget. */
  spend(messages: number, bytes: number): boolean {
    this.refill();
    this.messages -= messages;
    this.bytes -= bytes;
    return this.messages >= 0 && this.bytes >= 0;
  }

  /** Returns to the budget what another limit has counted. */
  restore(messages: number, bytes: number): void {
    this.messages = Math.min(this.messages + messages, this.settings.socketMessagesCount);
    this.bytes = Math.min(this.bytes + bytes, this.settings.socketReceivedBytes);
  }

  private refill(): void {
    const nowMs = this.nowMs();
    const part = (nowMs - this.refilledAtMs) / this.settings.socketMessagesWindowMs;
    this.refilledAtMs = nowMs;
    this.restore(part * this.settings.socketMessagesCount, part * this.settings.socketReceivedBytes);
  }
}
