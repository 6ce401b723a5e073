import type { IncomingMessage } from 'node:http';
import type { GraphQLError, GraphQLFormattedError, GraphQLSchema } from 'graphql';
import type { Clock } from '../../runtime/clock.js';
import type { Caller } from '../../services/caller.js';
import type { Identify } from './admission.js';
import type { SocketBudgetSettings } from './budget.js';
import type { ExecuteOperation, LiveRequest, PrepareOperation } from './operations.js';

export interface LiveSocketSettings extends SocketBudgetSettings {
  /** The path of sockets. Default: `/graphql`. */
  path?: string;
  /** Browsers on other origins are rejected. Clients that send no Origin are not browsers. */
  allowedOrigins: readonly string[];
  connectionInitTimeoutMs: number;
  socketsMaximumCount: number;
  socketsPerViewerCount: number;
  socketsWaitingPerAddressCount: number;
  operationsPerSocketCount: number;
  /** The maximum size of a message. */
  socketMessageBytes: number;
  /** Bytes that may wait for a client before it is disconnected. */
  socketBufferedBytes: number;
  /** How long a client may take to acknowledge a close before it is terminated. */
  socketCloseGraceMs: number;
  /** How often sockets are pinged; one that has not answered by the next ping is terminated. */
  socketKeepAliveMs: number;
}

export interface LiveSocketOptions {
  schema: GraphQLSchema;
  /** The same pipeline as HTTP, up to execution. */
  prepare: PrepareOperation;
  /** The caller that a token identifies. @throws InvalidToken, or IdentityUnavailable when it cannot be verified */
  identify: Identify;
  /** Creates a new context for each operation and each event. */
  createContext(caller: Caller, request: LiveRequest): unknown;
  /** Whether a request is addressed to this server. Default: always. */
  isForThisHost?(request: IncomingMessage): boolean;
  /** The client address of a socket. Default: none. */
  addressOf?(request: IncomingMessage): string;
  /** How many seconds an address must wait before it may open another socket; null: none. */
  addressRetryAfter?(address: string): Promise<number | null>;
  /** Masks errors, the same as over HTTP. */
  formatError(error: GraphQLError): GraphQLFormattedError;
  /** Runs queries and mutations. */
  execute: ExecuteOperation;
  /** Resolves an event of a live operation, synchronously if possible. */
  executeEvent: ExecuteOperation;
  settings: LiveSocketSettings;
  clock?: Clock;
  /** A monotonic clock, in milliseconds. Default: the process's. */
  elapsedMs?: () => number;
  /** Called with defects; clients do not see them. */
  onDefect?: (error: unknown) => void;
}
