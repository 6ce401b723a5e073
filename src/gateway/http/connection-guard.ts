import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { refuse } from './graphql-endpoint.js';

export interface ConnectionLimits {
  /** How long written data may wait for its client to read it. */
  readonly responseWriteTimeoutMs: number;
  /** Bytes that may wait for clients to read, on all connections together. */
  readonly responsesBufferedBytes: number;
  /** Requests of one connection that may wait for their responses (pipelining). */
  readonly pipelinedRequestsCount: number;
  /** Concurrent connections, including WebSockets. */
  readonly connectionsMaximumCount: number;
}

/** The data waiting to be read at the last check, and since when. */
interface Backlog {
  readonly sinceMs: number;
  /** How many bytes must have been sent in total for all of it to be gone. */
  readonly goalBytes: number;
}

const MAX_LOOK_INTERVAL_MS = 1_000;

/**
 * Closes connections whose clients do not read. Connections are checked at most once a second, so a request costs nothing. Data waiting in
 * a socket must be sent within the time limit; a client that reads a byte now and then is disconnected too.
 */
export class ConnectionGuard {
  private readonly sockets = new Map<Socket, Backlog | null>();
  private timer: NodeJS.Timeout;
  private writeTimeoutMs: number;

  /** `nowMs`: a clock that never goes backwards. */
  constructor(
    server: Server,
    private readonly limits: ConnectionLimits,
    private readonly nowMs: () => number = () => performance.now(),
  ) {
    server.maxConnections = limits.connectionsMaximumCount;
    server.on('connection', (socket) => {
      this.sockets.set(socket, null);
      socket.once('close', () => this.sockets.delete(socket));
    });
    this.writeTimeoutMs = limits.responseWriteTimeoutMs;
    this.timer = this.startLooking();
  }

  /** Called when the server closes: clients that do not read must not delay it for longer than this. */
  shorten(writeTimeoutMs: number): void {
    this.writeTimeoutMs = Math.min(this.writeTimeoutMs, writeTimeoutMs);
    this.stop();
    this.timer = this.startLooking();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Checks every connection. Closes those that have waited too long, then the fullest while there is too much data in total. */
  look(): void {
    const nowMs = this.nowMs();
    let bufferedBytes = 0;
    for (const [socket, backlog] of this.sockets) {
      const waitingBytes = socket.writableLength;
      if (waitingBytes === 0) {
        if (backlog) this.sockets.set(socket, null);
        continue;
      }
      const leftBytes = socket.bytesWritten - waitingBytes;
      if (!backlog || leftBytes >= backlog.goalBytes) {
        this.sockets.set(socket, { sinceMs: nowMs, goalBytes: socket.bytesWritten });
      } else if (nowMs - backlog.sinceMs >= this.writeTimeoutMs) {
        socket.destroy();
        continue;
      }
      bufferedBytes += waitingBytes;
    }
    if (bufferedBytes > this.limits.responsesBufferedBytes) this.closeFullest(bufferedBytes);
  }

  private startLooking(): NodeJS.Timeout {
    return setInterval(() => this.look(), Math.min(this.writeTimeoutMs / 4, MAX_LOOK_INTERVAL_MS)).unref();
  }

  private closeFullest(bufferedBytes: number): void {
    const waiting = [...this.sockets.keys()].filter(({ writableLength }) => writableLength > 0);
    let excessBytes = bufferedBytes - this.limits.responsesBufferedBytes;
    for (const socket of waiting.sort((one, other) => other.writableLength - one.writableLength)) {
      if (excessBytes <= 0) return;
      excessBytes -= socket.writableLength;
      socket.destroy();
    }
  }
}

/**
 * Limits how many requests of one connection may wait for their responses. Node parses and runs all requests in one chunk, possibly
 * hundreds of small ones, before it checks whether the client reads. A request above the limit is rejected, and the connection closed.
 */
export function boundPipelining(app: FastifyInstance, maxCount: number): void {
  const waiting = new WeakMap<Socket, number>();
  app.addHook('onRequest', (request, reply, done) => {
    const { socket } = request.raw;
    const count = (waiting.get(socket) ?? 0) + 1;
    waiting.set(socket, count);
    if (count <= maxCount) return done();
    return refuse(reply.header('connection', 'close'), 429, 'RATE_LIMITED', 'Too many requests at once on this connection.');
  });
  app.addHook('onResponse', (request, _reply, done) => {
    const { socket } = request.raw;
    waiting.set(socket, (waiting.get(socket) ?? 1) - 1);
    done();
  });
}
