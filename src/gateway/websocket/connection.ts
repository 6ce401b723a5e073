import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { WebSocket as GraphQLSocket } from 'graphql-ws';
import type { WebSocket } from 'ws';
import type { Clock } from '../../runtime/clock.js';
import type { Caller } from '../../services/caller.js';
import type { SocketBudget } from './budget.js';

/** Close codes in addition to those of the protocol: graphql-ws/PROTOCOL.md and RFC 6455, section 7.4. */
export const LIVE_CLOSE_CODES = {
  /** This server is stopping: reconnect. */
  goingAway: 1001,
  /** The viewer has too many sockets, or tokens cannot be verified at the moment. */
  tryAgainLater: 1013,
  /** No token. graphql-ws clients do not retry, because it would not help. */
  unauthorized: 4401,
  /** The token is invalid or has expired. graphql-ws clients retry, with a new token. */
  forbidden: 4403,
  /** The client reads too slowly. It reconnects and resumes after its cursor. */
  slowReader: 4413,
  /**
   * The client exceeds its budget. graphql-ws uses this code for a second `connection_init`, and its clients do not retry automatically: a
   * client that floods one socket would flood the next.
   */
  tooManyMessages: 4429,
} as const;

/** The maximum delay of setTimeout. */
const MAX_DELAY_MS = 2 ** 31 - 1;
const MAX_REASON_BYTES = 123;
const PING_BYTES = 8;

/** RFC 6455, section 5.2: a text message in one frame, and lengths that fit into the header. */
const TEXT_AND_LAST = 0x81;
const MAX_7_BITS = 125;
const MAX_16_BITS = 0xffff;

export interface LiveConnectionParts {
  socket: WebSocket;
  /** The underlying TCP socket. */
  rawSocket: Duplex;
  pingSlot: number;
  /** Bytes that may wait for the client before it is disconnected. */
  maxBufferedBytes: number;
  /** How long the client may take to acknowledge a close. */
  closeGraceMs: number;
  onSlow(): void;
  /** Limits what the client may send. */
  budget: SocketBudget;
  onOverBudget(): void;
}

/** One socket: its caller, whether it is alive, and how much it has not read. */
export class LiveConnection {
  caller: Caller | null = null;
  /** The key of its address while it waits for admission; then null. */
  waitingFrom: string | null = null;
  /** Ids of running operations, including those that the client has completed. */
  readonly operations = new Set<string>();
  /** The payload of the last ping, which its pong must repeat; null once it was answered. */
  private unanswered: Buffer | null = null;
  private expiry: NodeJS.Timeout | undefined;
  private cut: NodeJS.Timeout | undefined;
  private going: Promise<void> | undefined;

  readonly socket: WebSocket;
  /** The part of the interval in which it is pinged: that in which it connected. */
  readonly pingSlot: number;

  constructor(private readonly parts: LiveConnectionParts) {
    const { socket, pingSlot } = parts;
    this.socket = socket;
    this.pingSlot = pingSlot;
    socket.on('pong', (data: Buffer) => {
      this.count(1, 0);
      // An unsolicited pong does not prove that the client reads: https://www.rfc-editor.org/rfc/rfc6455#section-5.5.3
      if (this.unanswered?.equals(data)) this.unanswered = null;
    });
    socket.on('ping', () => {
      this.count(1, 0);
      // ws answers pings automatically: a client that only pings and never reads must not fill the buffer either.
      this.refuseSlowReader();
    });
    parts.rawSocket.on('data', (chunk: Buffer) => this.count(0, chunk.length));
    socket.once('close', () => {
      clearTimeout(this.expiry);
      clearTimeout(this.cut);
    });
  }

  /** Closes the socket when its token expires. */
  expireAt(instant: Date, clock: Clock): void {
    const remainingMs = instant.getTime() - clock.now().getTime();
    if (remainingMs <= 0) {
      this.close(LIVE_CLOSE_CODES.forbidden, 'Token expired');
      return;
    }
    this.expiry = setTimeout(() => this.expireAt(instant, clock), Math.min(remainingMs, MAX_DELAY_MS));
    this.expiry.unref();
  }

  /** Sends a ping; terminates a peer that has not answered the previous one. */
  ping(): void {
    if (this.socket.readyState !== this.socket.OPEN) return;
    if (this.unanswered === null) {
      this.unanswered = randomBytes(PING_BYTES);
      this.socket.ping(this.unanswered);
    } else if (this.socket.bufferedAmount > 0) {
      // The ping waits behind data that the client does not read.
      this.closeSlowReader();
    } else {
      this.socket.terminate();
    }
  }

  /** Closes with a code; a peer that does not acknowledge it in time is terminated. */
  close(code: number, reason: string): void {
    if (this.socket.readyState === this.socket.CLOSED) return;
    // It may contain a client's id of any length: https://www.rfc-editor.org/rfc/rfc6455#section-5.5
    this.socket.close(code, Buffer.byteLength(reason) <= MAX_REASON_BYTES ? reason : '');
    this.cut ??= setTimeout(() => this.socket.terminate(), this.parts.closeGraceMs);
    this.cut.unref();
  }

  /** The transport for graphql-ws. `send` resolves when the bytes have been sent: streams wait for it. */
  transport(onDefect: (error: unknown) => void): GraphQLSocket {
    const { socket } = this;
    return {
      protocol: socket.protocol,
      send: (data) => this.send(data),
      close: (code, reason) => this.close(code ?? 1000, reason ?? ''),
      onMessage: (receive) => {
        socket.on('message', (data: Buffer) => {
          // Data after the close, such as the rest of a flood, is ignored.
          if (!this.count(1, 0) || socket.readyState !== socket.OPEN) return;
          receive(data.toString()).catch((error: unknown) => {
            onDefect(error);
            this.close(4500, 'Internal server error');
          });
        });
      },
    };
  }

  /**
   * Sends a message in one write, where `ws` would write a header and a text: half the cost of an event. Returns a promise if not all of it
   * has been sent: streams wait for it. https://www.rfc-editor.org/rfc/rfc6455#section-5.2
   */
  push(data: string): Promise<void> | undefined {
    const { socket, rawSocket } = this.parts;
    if (socket.readyState !== socket.OPEN || this.refuseSlowReader()) return this.gone();
    rawSocket.write(textFrame(data));
    return rawSocket.writableLength === 0 ? undefined : this.drained();
  }

  private send(data: string): Promise<void> {
    const { socket } = this;
    // Streams that still have data wait for the close instead of fetching more.
    if (socket.readyState !== socket.OPEN || this.refuseSlowReader()) return this.gone();
    return new Promise((resolve) => {
      // A failed write means that the connection is lost, and its close ends the operations.
      socket.send(data, () => resolve());
    });
  }

  /** Resolves when all written data has been sent, or when the connection is lost. */
  private drained(): Promise<void> {
    const { rawSocket } = this.parts;
    return new Promise((resolve) => {
      rawSocket.write('', () => resolve());
    });
  }

  /** Resolves when the socket is closed. */
  private gone(): Promise<void> {
    const { socket } = this;
    if (socket.readyState === socket.CLOSED) return Promise.resolve();
    this.going ??= new Promise((resolve) => socket.once('close', () => resolve()));
    return this.going;
  }

  /** Called when an operation was admitted: it counts towards its caller's rate instead of the budget. */
  operationAdmitted(query: string): void {
    this.parts.budget.restore(1, Buffer.byteLength(query));
  }

  /** Counts data from the client; false if it exceeds the budget. */
  private count(messages: number, bytes: number): boolean {
    if (this.parts.budget.spend(messages, bytes)) return true;
    const { socket } = this;
    if (socket.readyState === socket.OPEN) {
      this.parts.onOverBudget();
      this.close(LIVE_CLOSE_CODES.tooManyMessages, 'Too many messages');
    }
    // Nothing more is read from it, not even its close frame: it is terminated after the grace period.
    if (!socket.isPaused) socket.pause();
    return false;
  }

  private refuseSlowReader(): boolean {
    if (this.socket.bufferedAmount <= this.parts.maxBufferedBytes) return false;
    this.closeSlowReader();
    return true;
  }

  private closeSlowReader(): void {
    if (this.socket.readyState !== this.socket.OPEN) return;
    this.parts.onSlow();
    this.close(LIVE_CLOSE_CODES.slowReader, 'Too slow: resume after your last cursor');
  }
}

/** A WebSocket text frame, unmasked as servers send it: https://www.rfc-editor.org/rfc/rfc6455#section-5.2 */
function textFrame(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const headerLength = length <= MAX_7_BITS ? 2 : length <= MAX_16_BITS ? 4 : 10;
  const frame = Buffer.allocUnsafe(headerLength + length);
  frame[0] = TEXT_AND_LAST;
  if (headerLength === 2) {
    frame[1] = length;
  } else if (headerLength === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeUIntBE(0, 2, 2);
    frame.writeUIntBE(length, 4, 6);
  }
  frame.write(text, headerLength);
  return frame;
}
