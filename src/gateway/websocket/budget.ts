export interface SocketBudgetSettings {
  readonly socketMessagesWindowMs: number;
  /** Messages, pings and pongs within the window. */
  readonly socketMessagesCount: number;
  /** Bytes within the window, as they come over the wire. */
  readonly socketReceivedBytes: number;
}

/**
 * What one socket may send: a token bucket for messages and one for bytes, each full at the start and refilled evenly over the
 * window. Counted in this process alone, so that a message costs nothing but a subtraction.
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

  /** Counts what came; returns false when it is more than the budget has. */
  spend(messages: number, bytes: number): boolean {
    this.refill();
    this.messages -= messages;
    this.bytes -= bytes;
    return this.messages >= 0 && this.bytes >= 0;
  }

  /** What has been counted by another limit. */
  giveBack(messages: number, bytes: number): void {
    this.messages = Math.min(this.messages + messages, this.settings.socketMessagesCount);
    this.bytes = Math.min(this.bytes + bytes, this.settings.socketReceivedBytes);
  }

  private refill(): void {
    const nowMs = this.nowMs();
    const part = (nowMs - this.refilledAtMs) / this.settings.socketMessagesWindowMs;
    this.refilledAtMs = nowMs;
    this.giveBack(part * this.settings.socketMessagesCount, part * this.settings.socketReceivedBytes);
  }
}
