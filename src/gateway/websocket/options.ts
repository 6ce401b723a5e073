import type { IncomingMessage } from 'node:http';
import type { GraphQLError, GraphQLFormattedError, GraphQLSchema } from 'graphql';
import type { Clock } from '../../runtime/clock.js';
import type { Caller } from '../../services/caller.js';
import type { Identify } from './admission.js';
import type { SocketBudgetSettings } from './budget.js';
import type { ExecuteOperation, LiveRequest, PrepareOperation } from './operations.js';

export interface LiveSocketSettings extends SocketBudgetSettings {
  /** Where sockets are taken; `/graphql` unless said otherwise. */
  path?: string;
  /** Browsers of other origins are refused. Clients that send no Origin are no browsers. */
  allowedOrigins: readonly string[];
  connectionInitTimeoutMs: number;
  socketsMaximumCount: number;
  socketsPerViewerCount: number;
  socketsWaitingPerAddressCount: number;
  operationsPerSocketCount: number;
  /** The longest message that a client may send. */
  socketMessageBytes: number;
  /** What may wait to be read by a client before it is cut off. */
  socketBufferedBytes: number;
  /** How long a client that is told to go may take to answer before it is cut off. */
  socketCloseGraceMs: number;
  /** How often sockets are pinged; one that has not answered by the next ping is cut off. */
  socketKeepAliveMs: number;
}

export interface LiveSocketOptions {
  schema: GraphQLSchema;
  /** All that HTTP does before it runs an operation. */
  prepare: PrepareOperation;
  /** Who a token speaks for. Throws when it is bad or has expired, and IdentityUnavailable when that cannot be told. */
  identify: Identify;
  /** Made anew for each operation and each event. */
  createContext(caller: Caller, request: LiveRequest): unknown;
  /** Whether a request is meant for this server; each is unless said. */
  isForThisHost?(request: IncomingMessage): boolean;
  /** Where a socket comes from; nowhere unless said. */
  addressOf?(request: IncomingMessage): string;
  /** Seconds that an address must wait before it may open another socket; null: none. */
  addressRetryAfter?(address: string): Promise<number | null>;
  /** The masking rule; the same as over HTTP. */
  formatError(error: GraphQLError): GraphQLFormattedError;
  /** Runs queries and mutations. */
  execute: ExecuteOperation;
  /** Resolves an event of a live operation, without a promise where it can. */
  executeEvent: ExecuteOperation;
  settings: LiveSocketSettings;
  clock?: Clock;
  /** A clock that never goes backwards, in milliseconds; the process's unless said. */
  elapsedMs?: () => number;
  /** Told of defects; clients see nothing of them. */
  onDefect?: (error: unknown) => void;
}
