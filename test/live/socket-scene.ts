import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { GraphQLError, type ValidationRule } from 'graphql';
import { pino } from 'pino';
import { WebSocket } from 'ws';
import { readConfig } from '../../src/config/config.js';
import { IdentityUnavailable } from '../../src/gateway/auth/provider-keys.js';
import { executePlain } from '../../src/gateway/graphql/execute.js';
import { Pipeline } from '../../src/gateway/graphql/pipeline.js';
import { PreparedOperations } from '../../src/gateway/graphql/prepared-operations.js';
import { LiveSockets, type SocketParts } from '../../src/gateway/websocket/server.js';
import { createMetrics } from '../../src/observability/metrics.js';
import type { Context } from '../../src/resolvers/context.js';
import { systemClock } from '../../src/runtime/clock.js';
import type { LiveFeed } from '../../src/services/live/live-feed.js';
import { until } from '../support/until.js';

/** Each context has its own time: its number. */
type SceneContext = Pick<Context, 'caller' | 'now'>;

/** Enough of a schema to see what sockets do with it; the real one is tested with the gateway. */
const typeDefs = `
  type Query { whoAmI: String! number: Int! secret: Int! large(bytes: Int!): String! slow: Int! never: Int! }
  type Mutation { count: Int! }
  type Subscription {
    balanceChanged(after: String, userId: ID): Change!
    flood(bytes: Int!): Flood!
    once(text: String!): String!
    held: Int!
    idle: Int!
    broken: Int!
  }
  type Change { cursor: String! version: Int! contextNumber: Int! padding(bytes: Int!): String! }
  type Flood { text: String! }
`;

/** A rule that the schema does not need: its errors show that rules are applied. */
const noFieldCalledSecret: ValidationRule = (context) => ({
  Field(node) {
    if (node.name.value === 'secret') context.reportError(new GraphQLError('secret is not to be asked', { nodes: node }));
  },
});

const LIMITS = {
  queryTokensMaximumCount: 200,
  querySelectionsMaximumCount: 1_000,
  queryVariableValuesMaximumCount: 1_000,
  documentCacheBytes: 1_000_000,
  connectionInitTimeoutMs: 5_000,
  socketsMaximumCount: 1_000,
  socketsPerViewerCount: 20,
  socketsWaitingPerAddressCount: 1_000,
  operationsPerSocketCount: 5,
  socketMessagesWindowMs: 10_000,
  socketMessagesCount: 3_000,
  socketReceivedBytes: 4_194_304,
  socketMessageBytes: 16_384,
  socketBufferedBytes: 262_144,
  socketCloseGraceMs: 5_000,
  socketKeepAliveMs: 12_000,
};
type SceneSettings = typeof LIMITS;

async function identify(token: string | null) {
  if (token === 'unknowable') throw new IdentityUnavailable();
  const [kind, userId, expiry] = (token ?? '').split('~');
  if (kind !== 'viewer' || !userId || (expiry && Number(expiry) <= Date.now())) throw new Error('a bad token');
  return { caller: { userId, role: 'VIEWER' } as const, expiresAt: expiry ? new Date(Number(expiry)) : null };
}

/** A gateway's socket side on a port of its own. Tokens are `viewer~<uuid>` or `viewer~<uuid>~<expiry in ms since 1970>`. */
export class SocketScene {
  flooded = 0;
  counted = 0;
  released = 0;
  /** The masker itself fails. */
  defective = false;
  /** What the budgets of sockets are refilled by. */
  elapsedMs = 0;
  private contexts = 0;
  /** Ends what is held. */
  readonly release: (() => void)[] = [];

  private constructor(
    readonly server: http.Server,
    readonly feed: LiveFeed,
  ) {}

  sockets!: LiveSockets;
  url = '';

  static async open(feed: LiveFeed, settings: Partial<SceneSettings> = {}, port = 0): Promise<SocketScene> {
    const server = http.createServer();
    const scene = new SocketScene(server, feed);
    scene.sockets = new LiveSockets(server, scene.parts(settings));
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    scene.url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
    return scene;
  }

  async close(): Promise<void> {
    for (const release of this.release.splice(0)) release();
    await this.sockets.stop();
    this.server.close();
  }

  private parts(settings: Partial<SceneSettings>): SocketParts {
    const schema = makeExecutableSchema({ typeDefs, resolvers: this.resolvers() });
    const config = readConfig({});
    const limits = { ...config.limits, ...LIMITS, ...settings };
    const operations = new PreparedOperations({ schema, rules: [noFieldCalledSecret], limits, suggestions: true });
    return {
      schema,
      operations,
      pipeline: new Pipeline({ schema, operations, limits, introspection: true, rates: null, trusted: null }),
      execute: (run) => executePlain(schema, run),
      mask: (error) => {
        if (this.defective) throw new TypeError('password=hunter2');
        return error.originalError && !(error.originalError instanceof GraphQLError)
          ? { message: 'Something went wrong.', extensions: { code: 'INTERNAL_SERVER_ERROR' } }
          : { message: error.message, extensions: error.extensions };
      },
      identity: { identify },
      services: {} as SocketParts['services'],
      clock: { now: () => new Date(++this.contexts) },
      realClock: systemClock,
      elapsedMs: () => this.elapsedMs,
      logger: pino({ level: 'silent' }),
      metrics: createMetrics(),
      config: {
        ...config,
        http: { ...config.http, allowedOrigins: ['https://films.example'], allowedHosts: null },
        limits,
      },
    };
  }

  private resolvers() {
    const held = () => new Promise<number>((resolve) => this.release.push(() => resolve(++this.released)));
    return {
      Query: {
        whoAmI: (_root: unknown, _args: unknown, context: SceneContext) => context.caller.userId,
        number: (_root: unknown, _args: unknown, context: SceneContext) => context.now.getTime(),
        secret: () => 1,
        large: (_root: unknown, { bytes }: { bytes: number }) => 'x'.repeat(bytes),
        slow: held,
        never: () => {
          throw new TypeError('password=hunter2');
        },
      },
      Mutation: { count: () => ++this.counted },
      Subscription: {
        balanceChanged: {
          subscribe: (_root: unknown, { after }: { after?: string }, { caller }: SceneContext) =>
            this.feed.watchBalance(caller.userId as string, after ?? null),
          resolve: (change: { cursor: string; balance: { version: number } }, _args: unknown, context: SceneContext) => ({
            cursor: change.cursor,
            version: change.balance.version,
            contextNumber: context.now.getTime(),
            padding: ({ bytes }: { bytes: number }) => 'x'.repeat(bytes),
          }),
        },
        flood: { subscribe: (_root: unknown, { bytes }: { bytes: number }) => this.flood(bytes) },
        once: { subscribe: (_root: unknown, { text }: { text: string }) => onlyOnce(text) },
        held: { subscribe: () => onlyOnce(''), resolve: held },
        idle: { subscribe: () => idle() },
        broken: { subscribe: () => broken() },
      },
    };
  }

  private async *flood(bytes: number) {
    for (;;) {
      this.flooded++;
      yield { flood: { text: 'x'.repeat(bytes) } };
    }
  }
}

/** Like a stream with nothing to send: `return` ends it even while `next` waits. */
function idle(): AsyncIterableIterator<unknown> {
  let end: (result: IteratorResult<unknown>) => void = () => undefined;
  const done = { value: undefined, done: true } as const;
  return {
    next: () =>
      new Promise((resolve) => {
        end = resolve;
      }),
    return: async () => {
      end(done);
      return done;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

async function* onlyOnce(text: string) {
  yield { once: text };
}

async function* broken() {
  yield { broken: 1 };
  throw new TypeError('password=hunter2');
}

export interface Message {
  type: string;
  id?: string;
  payload?: unknown;
}

/** A socket whose messages the test sends and reads itself. */
export class RawSocket {
  readonly messages: Message[] = [];
  closed: { code: number; reason: string } | null = null;
  refusedWith: number | null = null;
  private readonly read = new Map<string, number>();

  constructor(
    readonly socket: WebSocket,
    readonly userId: string,
  ) {
    socket.on('message', (data: Buffer) => this.messages.push(JSON.parse(data.toString())));
    socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() };
    });
    socket.on('unexpected-response', (request, response) => {
      this.refusedWith = response.statusCode ?? 0;
      request.destroy();
    });
    socket.on('error', () => undefined);
  }

  /** Opens a socket without a word. */
  static async bare(
    url: string,
    options: { protocol?: string; origin?: string; headers?: Record<string, string>; autoPong?: boolean } = {},
  ): Promise<RawSocket> {
    const { protocol = 'graphql-transport-ws', ...rest } = options;
    const raw = new RawSocket(new WebSocket(url, protocol === '' ? [] : [protocol], { perMessageDeflate: false, ...rest }), '');
    await until(() => raw.socket.readyState !== WebSocket.CONNECTING || raw.refusedWith !== null, 'open or refused');
    return raw;
  }

  /** A socket that has been acknowledged. */
  static async of(url: string, userId: string = randomUUID(), expiresAtMs?: number, autoPong = true): Promise<RawSocket> {
    const { socket } = await RawSocket.bare(url, { autoPong });
    const raw = new RawSocket(socket, userId);
    raw.send({ type: 'connection_init', payload: { token: tokenOf(userId, expiresAtMs) } });
    await until(() => raw.closed !== null || raw.messages.some((message) => message.type === 'connection_ack'), 'acknowledged');
    return raw;
  }

  send(message: unknown): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** Past the client's own framing. */
  writeBytes(bytes: Buffer): void {
    (this.socket as unknown as { _socket: Duplex })._socket.write(bytes);
  }

  subscribe(id: string, query: string, variables?: Record<string, unknown>): void {
    this.send({ type: 'subscribe', id, payload: { query, variables } });
  }

  /** The next message of an operation. */
  async next(id: string): Promise<Message> {
    const from = this.read.get(id) ?? 0;
    const ofOperation = () => this.messages.filter((message) => message.id === id);
    await until(() => ofOperation().length > from || this.closed !== null, `a message of operation ${id}`);
    this.read.set(id, from + 1);
    const message = ofOperation()[from];
    if (!message) throw new Error(`closed with ${this.closed?.code} before a message of operation ${id}`);
    return message;
  }

  async closing(withinMs = 15_000): Promise<{ code: number; reason: string }> {
    await until(() => this.closed !== null, 'closed', withinMs);
    return this.closed as { code: number; reason: string };
  }
}

export const tokenOf = (userId: string, expiresAtMs?: number): string =>
  expiresAtMs === undefined ? `viewer~${userId}` : `viewer~${userId}~${expiresAtMs}`;
