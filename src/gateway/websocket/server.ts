import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { handleProtocols } from 'graphql-ws';
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws';
import { isForAllowedHost } from '../../config/allowed-host.js';
import type { Clock } from '../../runtime/clock.js';
import { IdentityUnavailable } from '../auth/provider-keys.js';
import { bearerToken, type Identified, type Identity, InvalidToken } from '../auth.js';
import type { Edge } from '../edge.js';
import { addressKey } from '../graphql/address-key.js';
import { logDefect } from '../graphql/errors.js';
import { clientAddress } from '../http/request.js';
import { SocketBudget } from './budget.js';
import { LIVE_CLOSE_CODES, LiveConnection } from './connection.js';
import { liveProtocol } from './operations.js';

export interface SocketParts extends Edge {
  /** A monotonic clock, in milliseconds. Default: the process's. */
  readonly elapsedMs?: () => number;
}

/** For metrics: running operations, clients disconnected because they did not read or sent too much, and events sent. */
export interface LiveStatistics {
  connections: number;
  operations: number;
  slowReaders: number;
  overBudget: number;
  events: number;
}

/** Sockets are pinged in this many groups, one after the other: ten thousand at once would delay everything else. */
const PING_SLOTS = 12;
const MAX_FRAGMENTS = 64;

/** Accepts graphql-ws sockets on the HTTP server's path `/graphql`, and keeps them open while their clients answer. */
export class LiveSockets {
  private readonly connected = new Set<LiveConnection>();
  private readonly admission: SocketAdmission;
  private readonly sockets: WebSocketServer;
  private readonly protocol: ReturnType<typeof liveProtocol>;
  private readonly heartbeat: NodeJS.Timeout;
  private slowReaders = 0;
  private overBudget = 0;
  private events = 0;
  /** The group to ping next. */
  private pingSlot = 0;
  private stopped = false;

  constructor(
    private readonly server: Server,
    private readonly parts: SocketParts,
  ) {
    const { limits } = parts.config;
    this.admission = new SocketAdmission(parts.identity, limits, parts.realClock);
    this.protocol = liveProtocol(parts, this.admission, () => this.events++);
    // perMessageDeflate costs about 230 KiB per idle socket.
    const socketOptions: ServerOptions & { closeTimeout: number } = {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: limits.socketMessageBytes,
      // Empty fragments are not counted as messages, and could arrive endlessly.
      maxFragments: MAX_FRAGMENTS,
      // For closes that ws starts itself, after an invalid frame.
      closeTimeout: limits.socketCloseGraceMs,
      handleProtocols,
    };
    this.sockets = new WebSocketServer(socketOptions);
    this.heartbeat = setInterval(() => this.ping(), limits.socketKeepAliveMs / PING_SLOTS);
    this.heartbeat.unref();
    server.on('upgrade', this.upgrade);
  }

  connections(): number {
    return this.connected.size;
  }

  statistics(): LiveStatistics {
    const { slowReaders, overBudget, events } = this;
    let operations = 0;
    for (const connection of this.connected) operations += connection.operations.size;
    return { connections: this.connected.size, operations, slowReaders, overBudget, events };
  }

  /** Accepts no more sockets and closes all with 1001; resolves when they are closed, or terminated after the grace period. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearInterval(this.heartbeat);
    const closed = [...this.connected].map(
      (connection) => new Promise<void>((resolve) => connection.socket.once('close', () => resolve())),
    );
    for (const connection of this.connected) connection.close(LIVE_CLOSE_CODES.goingAway, 'Going away');
    await Promise.all(closed);
    this.server.off('upgrade', this.upgrade);
  }

  private readonly upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    socket.on('error', ignored);
    this.admitUpgrade(request, socket, head).catch((error: unknown) => {
      this.onDefect(error);
      socket.destroy();
    });
  };

  private async admitUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const address = clientAddress(request, this.parts.config.http.trustedProxyCount);
    const waitSeconds = await this.parts.pipeline.addressRetryAfter(address);
    socket.off('error', ignored);
    const refusal = waitSeconds === null ? this.upgradeRefusal(request, address) : tooManyRequests(waitSeconds);
    if (refusal) refuseUpgrade(socket, refusal);
    else this.sockets.handleUpgrade(request, socket, head, (webSocket) => this.open(webSocket, socket, address));
  }

  private upgradeRefusal(request: IncomingMessage, address: string): string | null {
    const { http, limits } = this.parts.config;
    const { origin } = request.headers;
    if (request.url?.split('?', 1)[0] !== '/graphql') return '404 Not Found';
    if (http.allowedHosts && !isForAllowedHost(request, new Set(http.allowedHosts))) return '403 Forbidden';
    if (this.stopped || this.connected.size >= limits.socketsMaximumCount) return '503 Service Unavailable';
    if (origin !== undefined && !http.allowedOrigins.includes(origin)) return '403 Forbidden';
    return this.admission.mayWait(address) ? null : tooManyRequests(Math.ceil(limits.connectionInitTimeoutMs / 1_000));
  }

  private open(socket: WebSocket, rawSocket: Duplex, address: string): void {
    const { elapsedMs = () => performance.now() } = this.parts;
    const { limits } = this.parts.config;
    const connection = new LiveConnection({
      socket,
      rawSocket,
      pingSlot: this.pingSlot,
      maxBufferedBytes: limits.socketBufferedBytes,
      closeGraceMs: limits.socketCloseGraceMs,
      onSlow: () => this.slowReaders++,
      budget: new SocketBudget(limits, elapsedMs),
      onOverBudget: () => this.overBudget++,
    });
    this.connected.add(connection);
    this.admission.wait(connection, address);
    // A message that is too long, or not a WebSocket frame: ws closes the socket with the matching code.
    socket.on('error', () => undefined);
    const closed = this.protocol.opened(connection.transport(this.onDefect), { connection, address });
    socket.once('close', (code, reason) => {
      this.connected.delete(connection);
      this.admission.forget(connection);
      closed(code, reason.toString()).catch(this.onDefect);
    });
  }

  private readonly onDefect = (error: unknown): void => logDefect(this.parts.logger, error, {});

  private ping(): void {
    this.pingSlot = (this.pingSlot + 1) % PING_SLOTS;
    for (const connection of this.connected) if (connection.pingSlot === this.pingSlot) connection.ping();
  }
}

const tooManyRequests = (waitSeconds: number) => `429 Too Many Requests\r\nRetry-After: ${waitSeconds}`;

const ignored = () => undefined;

function refuseUpgrade(socket: Duplex, status: string): void {
  socket.on('error', ignored);
  // Otherwise a client that keeps its side open would keep the connection.
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

type Refusal = readonly [code: number, reason: string];

export interface AdmissionSettings {
  readonly socketsPerViewerCount: number;
  /** Sockets of one address that are not admitted yet. */
  readonly socketsWaitingPerAddressCount: number;
}

/** Decides which sockets may stay connected: those with a valid token, until it expires, up to a number of sockets per viewer. */
export class SocketAdmission {
  private readonly socketsOfViewers = new Tally();
  private readonly waitingOfAddresses = new Tally();

  constructor(
    private readonly identity: Pick<Identity, 'identify'>,
    private readonly settings: AdmissionSettings,
    private readonly clock: Clock,
  ) {}

  /** Whether an address may open another socket while others wait for admission. */
  mayWait(address: string): boolean {
    return this.waitingOfAddresses.of(addressKey(address)) < this.settings.socketsWaitingPerAddressCount;
  }

  /** Records a new socket that waits for admission. */
  wait(connection: LiveConnection, address: string): void {
    connection.waitingFrom = addressKey(address);
    this.waitingOfAddresses.add(connection.waitingFrom, 1);
  }

  /** Identifies the caller. Returns why the socket must be closed, or null. */
  async admit(connection: LiveConnection, parameters: Readonly<Record<string, unknown>> | undefined): Promise<Refusal | null> {
    let identified: Identified;
    try {
      const token = tokenOf(parameters);
      if (token === null) return [LIVE_CLOSE_CODES.unauthorized, 'Unauthorized: connection_init needs a token'];
      identified = await this.identity.identify(token);
    } catch (error) {
      if (error instanceof IdentityUnavailable)
        return [LIVE_CLOSE_CODES.tryAgainLater, 'Tokens cannot be verified at the moment'];
      return [LIVE_CLOSE_CODES.forbidden, 'Forbidden: invalid or expired token'];
    }
    const { userId } = identified.caller;
    if (userId === null) return [LIVE_CLOSE_CODES.forbidden, 'Forbidden: the token has no subject'];
    // It may have closed in the meantime; then it would never be removed from the count.
    if (connection.socket.readyState !== connection.socket.OPEN) return [LIVE_CLOSE_CODES.goingAway, 'Going away'];
    if (this.socketsOfViewers.of(userId) >= this.settings.socketsPerViewerCount)
      return [LIVE_CLOSE_CODES.tryAgainLater, 'Too many sockets of this viewer'];
    this.socketsOfViewers.add(userId, 1);
    this.stopWaiting(connection);
    connection.caller = identified.caller;
    if (identified.expiresAt) connection.expireAt(identified.expiresAt, this.clock);
    return null;
  }

  /** Removes a closed socket. */
  forget(connection: LiveConnection): void {
    this.stopWaiting(connection);
    const userId = connection.caller?.userId;
    if (userId) this.socketsOfViewers.add(userId, -1);
  }

  private stopWaiting(connection: LiveConnection): void {
    if (connection.waitingFrom === null) return;
    this.waitingOfAddresses.add(connection.waitingFrom, -1);
    connection.waitingFrom = null;
  }
}

/** Counts by key; keys with a count of zero take no memory. */
class Tally {
  private readonly counts = new Map<string, number>();

  of(key: string): number {
    return this.counts.get(key) ?? 0;
  }

  add(key: string, change: 1 | -1): void {
    const count = this.of(key) + change;
    if (count > 0) this.counts.set(key, count);
    else this.counts.delete(key);
  }
}

/**
 * The token in `{ token }`, or in `{ authorization: 'Bearer …' }` as over HTTP; null without either.
 *
 * @throws InvalidToken when there are several different tokens
 */
function tokenOf(parameters: Readonly<Record<string, unknown>> | undefined): string | null {
  const { token, authorization, Authorization } = parameters ?? {};
  const bearers = [authorization, Authorization].map((header) => (typeof header === 'string' ? bearerToken(header) : null));
  const tokens = new Set([token, ...bearers].filter((given) => typeof given === 'string' && given !== ''));
  if (tokens.size > 1) throw new InvalidToken('There are several different tokens.');
  return ([...tokens][0] as string | undefined) ?? null;
}
