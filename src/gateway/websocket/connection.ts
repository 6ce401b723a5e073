import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { WebSocket as GraphQLSocket } from 'graphql-ws';
import type { WebSocket } from 'ws';
import type { Clock } from '../../runtime/clock.js';
import type { Caller } from '../../services/caller.js';
import type { SocketBudget } from './budget.js';
import { textFrame } from './text-frame.js';

/** Codes that a socket is closed with, beside those of the protocol: graphql-ws/PROTOCOL.md and RFC 6455, section 7.4. */
export const LIVE_CLOSE_CODES = {
  /** This server stops; another one, or this one later, goes on. */
  goingAway: 1001,
  /** The viewer has too many sockets, or tokens cannot be checked. */
  tryAgainLater: 1013,
  /** No token. graphql-ws clients do not try again, for it would not help. */
  unauthorized: 4401,
  /** The token is bad or has expired. graphql-ws clients try again, and ask for a token anew. */
  forbidden: 4403,
  /** The client does not read as fast as it is sent to. It tries again and goes on after its cursor. */
  slowReader: 4413,
  /**
   * The client sends more than its budget. graphql-ws has this code for a second `connection_init`, and its clients do not try
   * again by themselves: what floods one socket would flood the next.
   */
  tooManyMessages: 4429,
} as const;

/** What setTimeout can wait at most. */
const MAX_DELAY_MS = 2 ** 31 - 1;
const MAX_REASON_BYTES = 123;
const PING_BYTES = 8;

export interface LiveConnectionParts {
  socket: WebSocket;
  /** What the socket writes to. */
  rawSocket: Duplex;
  pingSlot: number;
  /** What may wait to be read by the client before it is cut off. */
  largestBufferedBytes: number;
  /** How long the client may take to answer when it is told to go. */
  closeGraceMs: number;
  onSlow(): void;
  /** What the client may send. */
  budget: SocketBudget;
  onOverBudget(): void;
}

/** One socket: who it is, whether it lives, how much it has not read. */
export class LiveConnection {
  caller: Caller | null = null;
  /** What its address is counted by while it waits to be admitted; null from then on. */
  waitingFrom: string | null = null;
  /** Ids of operations under way, also of those whose client has lost interest. */
  readonly operations = new Set<string>();
  /** What the last ping carried and its pong must carry; null when it has been answered. */
  private unanswered: Buffer | null = null;
  private expiry: NodeJS.Timeout | undefined;
  private cut: NodeJS.Timeout | undefined;
  private going: Promise<void> | undefined;

  readonly socket: WebSocket;
  /** In which part of the interval it is pinged: that in which it came. */
  readonly pingSlot: number;

  constructor(private readonly parts: LiveConnectionParts) {
    const { socket, pingSlot } = parts;
    this.socket = socket;
    this.pingSlot = pingSlot;
    socket.on('pong', (data: Buffer) => {
      this.count(1, 0);
      // A pong that nobody asked for does not show that the client reads: https://www.rfc-editor.org/rfc/rfc6455#section-5.5.3
      if (this.unanswered?.equals(data)) this.unanswered = null;
    });
    socket.on('ping', () => {
      this.count(1, 0);
      // ws answers pings by itself: a client that only pings and never reads must not fill the buffer either.
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

  /** Pings; cuts off a peer that has not answered the ping before. */
  ping(): void {
    if (this.socket.readyState !== this.socket.OPEN) return;
    if (this.unanswered === null) {
      this.unanswered = randomBytes(PING_BYTES);
      this.socket.ping(this.unanswered);
    } else if (this.socket.bufferedAmount > 0) {
      // The ping waits behind what the client does not read.
      this.closeSlowReader();
    } else {
      this.socket.terminate();
    }
  }

  /** Ends with a code; a peer that does not answer in time is cut off. */
  close(code: number, reason: string): void {
    if (this.socket.readyState === this.socket.CLOSED) return;
    // An id of the client may be in it, of any length: https://www.rfc-editor.org/rfc/rfc6455#section-5.5
    this.socket.close(code, Buffer.byteLength(reason) <= MAX_REASON_BYTES ? reason : '');
    this.cut ??= setTimeout(() => this.socket.terminate(), this.parts.closeGraceMs);
    this.cut.unref();
  }

  /** What graphql-ws writes to and reads from. `send` resolves when the bytes have left: streams wait for it. */
  transport(onDefect: (error: unknown) => void): GraphQLSocket {
    const { socket } = this;
    return {
      protocol: socket.protocol,
      send: (data) => this.send(data),
      close: (code, reason) => this.close(code ?? 1000, reason ?? ''),
      onMessage: (receive) => {
        socket.on('message', (data: Buffer) => {
          // What comes after the end, such as the rest of a flood, is not looked at.
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
   * Sends a message as one piece, where `ws` would write a header and a text: half the cost of an event. Gives back a promise
   * when not all of it has left: streams wait for it. https://www.rfc-editor.org/rfc/rfc6455#section-5.2
   */
  push(data: string): Promise<void> | undefined {
    const { socket, rawSocket } = this.parts;
    if (socket.readyState !== socket.OPEN || this.refuseSlowReader()) return this.gone();
    rawSocket.write(textFrame(data));
    return rawSocket.writableLength === 0 ? undefined : this.drained();
  }

  private send(data: string): Promise<void> {
    const { socket } = this;
    // Whoever still has something to say waits for the end, and does not fetch more of it meanwhile.
    if (socket.readyState !== socket.OPEN || this.refuseSlowReader()) return this.gone();
    return new Promise((resolve) => {
      // A failed write means that the socket breaks, and its close ends the operations.
      socket.send(data, () => resolve());
    });
  }

  /** Resolves when all that was written has left, or when the socket has broken. */
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

  /** An operation was admitted, and has been counted by its caller's rate. */
  giveBack(query: string): void {
    this.parts.budget.giveBack(1, Buffer.byteLength(query));
  }

  /** Counts what the client sent; false when it is more than it may. */
  private count(messages: number, bytes: number): boolean {
    if (this.parts.budget.spend(messages, bytes)) return true;
    const { socket } = this;
    if (socket.readyState === socket.OPEN) {
      this.parts.onOverBudget();
      this.close(LIVE_CLOSE_CODES.tooManyMessages, 'Too many messages');
    }
    // Nothing more is read of it, not even its answer: it is cut off after the grace.
    if (!socket.isPaused) socket.pause();
    return false;
  }

  private refuseSlowReader(): boolean {
    if (this.socket.bufferedAmount <= this.parts.largestBufferedBytes) return false;
    this.closeSlowReader();
    return true;
  }

  private closeSlowReader(): void {
    if (this.socket.readyState !== this.socket.OPEN) return;
    this.parts.onSlow();
    this.close(LIVE_CLOSE_CODES.slowReader, 'Too slow: resume after your last cursor');
  }
}
