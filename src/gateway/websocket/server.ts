import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ExecutionResult, GraphQLError } from 'graphql';
import { CloseCode, handleProtocols, makeServer } from 'graphql-ws';
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws';
import { systemClock } from '../../runtime/clock.js';
import type { Caller } from '../../services/caller.js';
import { maskErrors } from '../graphql/errors.js';
import { resultText } from '../graphql/raw-json.js';
import { SocketAdmission } from './admission.js';
import { SocketBudget } from './budget.js';
import { LIVE_CLOSE_CODES, LiveConnection } from './connection.js';
import { type LiveOperation, type LiveRequest, operationRunner, streamErrors } from './operations.js';
import type { LiveSocketOptions } from './options.js';

/** For metrics: running operations, clients disconnected because they did not read or sent too much, and events sent. */
export interface LiveStatistics {
  connections: number;
  operations: number;
  slowReaders: number;
  overBudget: number;
  events: number;
}

export interface LiveSockets {
  connections(): number;
  statistics(): LiveStatistics;
  /** Accepts no more sockets and closes all with 1001; resolves when they are closed, or terminated after the grace period. */
  stop(): Promise<void>;
}

interface Extra {
  connection: LiveConnection;
  address: string;
}

/** Sockets are pinged in this many groups, one after the other: ten thousand at once would delay everything else. */
const PING_SLOTS = 12;
const MAX_FRAGMENTS = 64;

/** Accepts graphql-ws sockets on the server's path `/graphql`. */
export function attachLiveSocket(server: Server, options: LiveSocketOptions): LiveSockets {
  return new LiveSocketServer(server, options);
}

class LiveSocketServer implements LiveSockets {
  private readonly connected = new Set<LiveConnection>();
  private readonly admission: SocketAdmission;
  private readonly sockets: WebSocketServer;
  private readonly protocol: ReturnType<typeof makeServer<Record<string, unknown>, Extra>>;
  private readonly heartbeat: NodeJS.Timeout;
  private slowReaders = 0;
  private overBudget = 0;
  private events = 0;
  /** The group to ping next. */
  private pingSlot = 0;
  private stopped = false;

  constructor(
    private readonly server: Server,
    private readonly options: LiveSocketOptions,
  ) {
    const { settings } = options;
    this.admission = new SocketAdmission(options.identify, settings, options.clock ?? systemClock);
    this.protocol = this.makeProtocol();
    // perMessageDeflate costs about 230 KiB per idle socket.
    const socketOptions: ServerOptions & { closeTimeout: number } = {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: settings.socketMessageBytes,
      // Empty fragments are not counted as messages, and could arrive endlessly.
      maxFragments: MAX_FRAGMENTS,
      // For closes that ws starts itself, after an invalid frame.
      closeTimeout: settings.socketCloseGraceMs,
      handleProtocols,
    };
    this.sockets = new WebSocketServer(socketOptions);
    this.heartbeat = setInterval(() => this.ping(), settings.socketKeepAliveMs / PING_SLOTS);
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
      this.options.onDefect?.(error);
      socket.destroy();
    });
  };

  private async admitUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const address = this.options.addressOf?.(request) ?? '';
    const waitSeconds = (await this.options.addressRetryAfter?.(address)) ?? null;
    socket.off('error', ignored);
    const refusal = waitSeconds === null ? this.upgradeRefusal(request, address) : tooManyRequests(waitSeconds);
    if (refusal) refuseUpgrade(socket, refusal);
    else this.sockets.handleUpgrade(request, socket, head, (webSocket) => this.open(webSocket, socket, address));
  }

  private upgradeRefusal(request: IncomingMessage, address: string): string | null {
    const { settings } = this.options;
    const { origin } = request.headers;
    if (request.url?.split('?', 1)[0] !== (settings.path ?? '/graphql')) return '404 Not Found';
    if (this.options.isForThisHost?.(request) === false) return '403 Forbidden';
    if (this.stopped || this.connected.size >= settings.socketsMaximumCount) return '503 Service Unavailable';
    if (origin !== undefined && !settings.allowedOrigins.includes(origin)) return '403 Forbidden';
    return this.admission.mayWait(address) ? null : tooManyRequests(Math.ceil(settings.connectionInitTimeoutMs / 1_000));
  }

  private open(socket: WebSocket, rawSocket: Duplex, address: string): void {
    const { settings, elapsedMs = () => performance.now() } = this.options;
    const connection = new LiveConnection({
      socket,
      rawSocket,
      pingSlot: this.pingSlot,
      maxBufferedBytes: settings.socketBufferedBytes,
      closeGraceMs: settings.socketCloseGraceMs,
      onSlow: () => this.slowReaders++,
      budget: new SocketBudget(settings, elapsedMs),
      onOverBudget: () => this.overBudget++,
    });
    this.connected.add(connection);
    this.admission.wait(connection, address);
    // A message that is too long, or not a WebSocket frame: ws closes the socket with the matching code.
    socket.on('error', () => undefined);
    const closed = this.protocol.opened(
      connection.transport((error) => this.options.onDefect?.(error)),
      { connection, address },
    );
    socket.once('close', (code, reason) => {
      this.connected.delete(connection);
      this.admission.forget(connection);
      closed(code, reason.toString()).catch((error: unknown) => this.options.onDefect?.(error));
    });
  }

  private makeProtocol() {
    const { options } = this;
    return makeServer<Record<string, unknown>, Extra>({
      connectionInitWaitTimeout: options.settings.connectionInitTimeoutMs,
      onConnect: async (context) => {
        const { connectionParams, extra } = context;
        const refusal = await this.admission.admit(extra.connection, connectionParams);
        // Tokens are long, and this one is no longer needed.
        (context as { connectionParams?: unknown }).connectionParams = undefined;
        // The socket is closing: what graphql-ws sends after this is discarded.
        if (refusal) extra.connection.close(...refusal);
        return refusal === null;
      },
      onSubscribe: async ({ extra }, id, payload) => {
        const { connection } = extra;
        // graphql-ws accepts an id again as soon as its client has completed the operation. The end of the old operation would then be
        // reported as the end of the new one, which could never be ended.
        if (connection.operations.has(id)) {
          connection.close(CloseCode.SubscriberAlreadyExists, `Subscriber for ${id} already exists`);
          return [new GraphQLError('This operation id is already in use.')];
        }
        if (connection.operations.size >= options.settings.operationsPerSocketCount) return [tooManyOperations()];
        connection.operations.add(id);
        const prepared = await this.prepareSafely(payload, extra);
        if (!isOperation(prepared)) {
          connection.operations.delete(id);
          return prepared;
        }
        connection.operationAdmitted(payload.query);
        const args = this.argumentsOf(prepared, payload, extra, id);
        // graphql-ws keeps the message while the operation runs; its text is long, and already kept with the document.
        (payload as { query: string }).query = '';
        return args;
      },
      execute: (args) => runnerOf(args).execute(),
      subscribe: (args) => runnerOf(args).subscribe(),
      onNext: (_context, _id, _payload, _args, result) => this.formatted(result),
      onError: (_context, _id, _payload, errors) =>
        maskErrors(
          errors.flatMap((error) => streamErrors(error as GraphQLError)),
          options.formatError,
        ),
      onComplete: ({ extra }, id) => {
        extra.connection.operations.delete(id);
      },
    });
  }

  private async prepareSafely(payload: LiveRequest, { connection, address }: Extra) {
    try {
      return await this.options.prepare(payload, connection.caller as Caller, address);
    } catch (error) {
      this.options.onDefect?.(error);
      return [
        error instanceof GraphQLError ? error : new GraphQLError('Internal server error', { originalError: error as Error }),
      ];
    }
  }

  private argumentsOf(operation: LiveOperation, payload: LiveRequest, { connection }: Extra, id: string) {
    // The message that graphql-ws would send: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md#next
    const beginning = `{"id":${JSON.stringify(id)},"type":"next","payload":`;
    const { schema, execute, executeEvent, formatError } = this.options;
    const runner = operationRunner({
      schema,
      operation,
      createContext: () => this.options.createContext(connection.caller as Caller, payload),
      execute,
      executeEvent,
      push: (result) => {
        this.events++;
        return connection.push(`${beginning}${resultText(result, formatError)}}`);
      },
    });
    const { document, operationName } = operation.prepared;
    // The runner has the rest, and creates a context for each event.
    return { schema, document, operationName, contextValue: runner };
  }

  private formatted(result: ExecutionResult): object {
    return result.errors ? { ...result, errors: maskErrors(result.errors, this.options.formatError) } : result;
  }

  private ping(): void {
    this.pingSlot = (this.pingSlot + 1) % PING_SLOTS;
    for (const connection of this.connected) if (connection.pingSlot === this.pingSlot) connection.ping();
  }
}

const runnerOf = (args: { contextValue?: unknown }) => args.contextValue as ReturnType<typeof operationRunner>;

const isOperation = (prepared: LiveOperation | readonly GraphQLError[]): prepared is LiveOperation => 'prepared' in prepared;

const tooManyOperations = () =>
  new GraphQLError('Too many operations on this socket. Complete one, or open another socket.', {
    extensions: { code: 'RATE_LIMITED' },
  });

const tooManyRequests = (waitSeconds: number) => `429 Too Many Requests\r\nRetry-After: ${waitSeconds}`;

const ignored = () => undefined;

function refuseUpgrade(socket: Duplex, status: string): void {
  socket.on('error', ignored);
  // Otherwise a client that keeps its side open would keep the connection.
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
