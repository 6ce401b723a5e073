import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import {
  type DocumentNode,
  type ExecutionResult,
  GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
  getOperationAST,
  type ValidationRule,
} from 'graphql';
import { CloseCode, handleProtocols, makeServer } from 'graphql-ws';
import { type WebSocket, WebSocketServer } from 'ws';
import { type Clock, systemClock } from '../clock.js';
import type { Caller } from '../services/caller.js';
import { LIVE_CLOSE_CODES, LiveConnection } from './live-connection.js';
import {
  type ExecuteOperation,
  innermost,
  type LiveRequest,
  operationRunner,
  type PrepareOperation,
  prepareByRules,
} from './live-operations.js';
import { type Identify, SocketAdmission } from './socket-admission.js';

export interface LiveSocketSettings {
  /** Where sockets are taken; `/graphql` unless said otherwise. */
  path?: string;
  /** Browsers of other origins are refused. Clients that send no Origin are no browsers. */
  allowedOrigins: readonly string[];
  connectionInitTimeoutMs: number;
  socketsMaximumCount: number;
  socketsPerViewerCount: number;
  operationsPerSocketCount: number;
  /** The longest message that a client may send. */
  socketMessageBytes: number;
  /** What may wait to be read by a client before it is cut off. */
  socketBufferedBytes: number;
  /** How long a client that is told to go may take to answer before it is cut off. */
  socketCloseGraceMs: number;
  /** How often sockets are pinged; one that has not answered by the next ping is cut off. */
  socketKeepAliveMs: number;
  queryTokensMaximumCount: number;
  documentCacheCount: number;
}

export interface LiveSocketOptions {
  schema: GraphQLSchema;
  /** Rules beside those of the GraphQL specification; the same as over HTTP. */
  validationRules?: readonly ValidationRule[];
  /** In place of `validationRules`: all that HTTP does before it runs an operation. */
  prepare?: PrepareOperation;
  /** Who a token speaks for. Throws when it is bad or has expired, and IdentityUnavailable when that cannot be told. */
  identify: Identify;
  /** Made anew for each operation and each event. */
  createContext(caller: Caller, request: LiveRequest): unknown;
  /** Whether a request is meant for this server; each is unless said. */
  isForThisHost?(request: IncomingMessage): boolean;
  /** Where a socket comes from; nowhere unless said. */
  addressOf?(request: IncomingMessage): string;
  /** Seconds that an address must wait before it may open another socket; null: none. */
  waitOfAddress?(address: string): Promise<number | null>;
  /** The masking rule; the same as over HTTP. */
  formatError(error: GraphQLError): GraphQLFormattedError;
  /** Runs queries and mutations; plain GraphQL unless said otherwise. */
  execute?: ExecuteOperation;
  /** Resolves an event of a live operation, without a promise where it can; plain GraphQL unless said otherwise. */
  executeEvent?: ExecuteOperation;
  settings: LiveSocketSettings;
  clock?: Clock;
  /** Told of defects; clients see nothing of them. */
  onDefect?: (error: unknown) => void;
}

export interface LiveSockets {
  connections(): number;
  /** For metrics: operations under way, and clients cut off because they did not read. */
  statistics(): { connections: number; operations: number; slowReaders: number; events: number };
  /** Takes no more sockets and closes all with 1001; ends when they are closed, or cut off after the grace. */
  stop(): Promise<void>;
}

interface Extra {
  connection: LiveConnection;
  address: string;
}

/** Sockets are pinged in so many parts, one after the other: ten thousand at once would make everyone wait. */
const BEATS = 12;

/** Takes graphql-ws sockets on the server's path `/graphql`. */
export function attachLiveSocket(server: Server, options: LiveSocketOptions): LiveSockets {
  return new LiveSocketServer(server, options);
}

class LiveSocketServer implements LiveSockets {
  private readonly connected = new Set<LiveConnection>();
  private readonly admission: SocketAdmission;
  private readonly sockets: WebSocketServer;
  private readonly protocol: ReturnType<typeof makeServer<Record<string, unknown>, Extra>>;
  private readonly prepare: PrepareOperation;
  private readonly heartbeat: NodeJS.Timeout;
  private slowReaders = 0;
  private events = 0;
  /** Whose turn it is to be pinged. */
  private turn = 0;
  private stopped = false;

  constructor(
    private readonly server: Server,
    private readonly options: LiveSocketOptions,
  ) {
    const { settings, schema } = options;
    this.prepare =
      options.prepare ??
      prepareByRules({
        schema,
        validationRules: options.validationRules ?? [],
        largestTokenCount: settings.queryTokensMaximumCount,
        cacheCount: settings.documentCacheCount,
      });
    this.admission = new SocketAdmission(options.identify, settings.socketsPerViewerCount, options.clock ?? systemClock);
    this.protocol = this.makeProtocol();
    // perMessageDeflate costs some 230 KiB for each idle socket.
    this.sockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: settings.socketMessageBytes,
      handleProtocols,
    });
    this.heartbeat = setInterval(() => this.beat(), settings.socketKeepAliveMs / BEATS);
    this.heartbeat.unref();
    server.on('upgrade', this.upgrade);
  }

  connections(): number {
    return this.connected.size;
  }

  statistics(): { connections: number; operations: number; slowReaders: number; events: number } {
    let operations = 0;
    for (const connection of this.connected) operations += connection.operations.size;
    return { connections: this.connected.size, operations, slowReaders: this.slowReaders, events: this.events };
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
    const waitSeconds = (await this.options.waitOfAddress?.(address)) ?? null;
    socket.off('error', ignored);
    const tooOften = waitSeconds === null ? null : `429 Too Many Requests\r\nRetry-After: ${waitSeconds}`;
    const refusal = tooOften ?? this.upgradeRefusal(request);
    if (refusal) refuseUpgrade(socket, refusal);
    else this.sockets.handleUpgrade(request, socket, head, (webSocket) => this.open(webSocket, socket, address));
  }

  private upgradeRefusal(request: IncomingMessage): string | null {
    const { settings } = this.options;
    const { origin } = request.headers;
    if (request.url?.split('?', 1)[0] !== (settings.path ?? '/graphql')) return '404 Not Found';
    if (this.options.isForThisHost?.(request) === false) return '403 Forbidden';
    if (this.stopped || this.connected.size >= settings.socketsMaximumCount) return '503 Service Unavailable';
    return origin === undefined || settings.allowedOrigins.includes(origin) ? null : '403 Forbidden';
  }

  private open(socket: WebSocket, wire: Duplex, address: string): void {
    const { socketBufferedBytes, socketCloseGraceMs } = this.options.settings;
    const connection = new LiveConnection({
      socket,
      wire,
      turn: this.turn,
      largestBufferedBytes: socketBufferedBytes,
      closeGraceMs: socketCloseGraceMs,
      onSlow: () => this.slowReaders++,
    });
    this.connected.add(connection);
    // A message that is too long or no WebSocket frame: ws closes the socket with the code that says so.
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
        // Tokens are long, and this one has done its work.
        (context as { connectionParams?: unknown }).connectionParams = undefined;
        // The socket is closing: what graphql-ws sends after this goes nowhere.
        if (refusal) extra.connection.close(...refusal);
        return refusal === null;
      },
      onSubscribe: async ({ extra }, id, payload) => {
        const { connection } = extra;
        // graphql-ws takes an id again as soon as its client has given up the operation, and then tells the end of the old one as
        // that of the new one, which nothing ends any more.
        if (connection.operations.has(id)) {
          connection.close(CloseCode.SubscriberAlreadyExists, `Subscriber for ${id} already exists`);
          return [new GraphQLError('The id is in use.')];
        }
        if (connection.operations.size >= options.settings.operationsPerSocketCount) return [tooManyOperations()];
        connection.operations.add(id);
        const prepared = await this.prepareSafely(payload, extra);
        if (!isDocument(prepared)) {
          connection.operations.delete(id);
          return prepared;
        }
        const args = this.argumentsOf(prepared, payload, extra, id);
        // graphql-ws keeps the message while the operation runs; its text is long, and kept once with the document.
        (payload as { query: string }).query = '';
        return args;
      },
      execute: (args) => runnerOf(args).execute(args),
      subscribe: (args) => runnerOf(args).subscribe(args),
      onNext: (_context, _id, _payload, _args, result) => this.formatted(result),
      onError: (_context, _id, _payload, errors) => errors.map((error) => options.formatError(innermost(error as GraphQLError))),
      onComplete: ({ extra }, id) => {
        extra.connection.operations.delete(id);
      },
    });
  }

  private async prepareSafely(payload: LiveRequest, { connection, address }: Extra) {
    try {
      const prepared = await this.prepare(payload, connection.caller as Caller, address);
      if (!isDocument(prepared) || getOperationAST(prepared, payload.operationName)) return prepared;
      return [
        new GraphQLError('The document has no operation of that name.', { extensions: { code: 'OPERATION_RESOLUTION_FAILURE' } }),
      ];
    } catch (error) {
      this.options.onDefect?.(error);
      return [
        error instanceof GraphQLError ? error : new GraphQLError('Internal server error', { originalError: error as Error }),
      ];
    }
  }

  private argumentsOf(document: DocumentNode, payload: LiveRequest, { connection }: Extra, id: string) {
    // What graphql-ws would write: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md#next
    const beginning = `{"id":${JSON.stringify(id)},"type":"next","payload":`;
    const runner = operationRunner({
      createContext: () => this.options.createContext(connection.caller as Caller, payload),
      execute: this.options.execute,
      executeEvent: this.options.executeEvent,
      push: (result) => {
        this.events++;
        return connection.push(`${beginning}${JSON.stringify(this.formatted(result))}}`);
      },
    });
    return {
      schema: this.options.schema,
      document,
      operationName: payload.operationName,
      variableValues: payload.variables,
      // Made by the runner, anew for each event.
      contextValue: runner,
    };
  }

  private formatted(result: ExecutionResult): object {
    return result.errors ? { ...result, errors: result.errors.map(this.options.formatError) } : result;
  }

  private beat(): void {
    this.turn = (this.turn + 1) % BEATS;
    for (const connection of this.connected) if (connection.turn === this.turn) connection.beat();
  }
}

const runnerOf = (args: { contextValue?: unknown }) => args.contextValue as ReturnType<typeof operationRunner>;

const isDocument = (prepared: DocumentNode | readonly GraphQLError[]): prepared is DocumentNode => 'kind' in prepared;

const tooManyOperations = () =>
  new GraphQLError('Too many operations at once on this socket. End one, or open another socket.', {
    extensions: { code: 'RATE_LIMITED' },
  });

const ignored = () => undefined;

function refuseUpgrade(socket: Duplex, status: string): void {
  socket.on('error', ignored);
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
