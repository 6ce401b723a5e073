import { randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import {
  type DocumentNode,
  type ExecutionResult,
  GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
  getOperationAST,
} from 'graphql';
import type { Logger } from 'pino';
import { isForAllowedHost } from '../allowed-host.js';
import type { Clock } from '../clock.js';
import type { Config } from '../config.js';
import { type Context, createContext } from '../resolvers/context.js';
import type { RequiredServices } from '../resolvers/required-services.js';
import { withinTime } from '../within-time.js';
import { clientAddress } from './client-address.js';
import type { Executor } from './execution.js';
import { rateLimited, rootFieldsOf } from './guard/rates.js';
import { guardRules } from './guard/rules.js';
import type { Identity } from './identity.js';
import { type PrepareOperation, prepareByRules } from './live-operations.js';
import { attachLiveSocket, type LiveSockets } from './live-socket.js';
import type { Metrics } from './metrics.js';
import type { OperationGate } from './operation-gate.js';
import { requestErrorCode, rootCause, tell } from './public-error.js';

export interface SocketParts {
  readonly schema: GraphQLSchema;
  readonly identity: Identity;
  readonly execute: Executor;
  readonly gate: OperationGate;
  readonly services: RequiredServices;
  /** Product time, and by which tokens are dated. */
  readonly clock: Clock;
  readonly realClock: Clock;
  readonly logger: Logger;
  readonly config: Pick<Config, 'http' | 'guard' | 'limits'>;
  readonly metrics: Metrics;
}

/** A resolver's context, and whether the client wants to know what its operation may cost. */
interface SocketContext extends Context {
  readonly costAsked: boolean;
}

/** GraphQL over WebSocket on the same server: the guard, the callers, the execution and the masking of HTTP. */
export function serveSockets(server: Server, parts: SocketParts): LiveSockets {
  const { schema, identity, execute, gate, services, clock, realClock, logger, config, metrics } = parts;
  const allowedHosts = config.http.allowedHosts && new Set(config.http.allowedHosts);
  const logDefect = (error: unknown, requestId?: string) =>
    logger.error({ requestId, err: rootCause(error) }, 'an operation on a socket failed');
  const formatError = (error: GraphQLError): GraphQLFormattedError => {
    const requestId = randomUUID();
    const told = tell(error, { requestId, suggestions: config.guard.introspection }, requestErrorCode(error));
    if (told.isDefect) logDefect(error, requestId);
    return told.error;
  };
  return attachLiveSocket(server, {
    schema,
    prepare: prepareAsOverHttp(parts),
    identify: (token) => identity.identify(token),
    createContext: (caller, { extensions }): SocketContext => {
      const context = createContext({ caller, requestId: randomUUID(), services, now: clock.now() });
      return Object.assign(context, { costAsked: Boolean(extensions?.cost) });
    },
    isForThisHost: (request) => allowedHosts === null || isForAllowedHost(request, allowedHosts),
    addressOf: (request) => clientAddress(request, config.http.trustedProxyCount),
    waitOfAddress: (address) => gate.waitOfAddress(address),
    formatError,
    execute: async ({ document, operationName, variableValues, contextValue, rootValue }) => {
      const startedAtMs = performance.now();
      const run = () => execute({ document, operationName, variables: variableValues, context: contextValue, rootValue });
      const result = await withinTime<ExecutionResult, ExecutionResult>(config.limits.requestTimeoutMs, run(), tooLate);
      const seconds = (performance.now() - startedAtMs) / 1_000;
      metrics.served(firstFieldOf(document, operationName), result.errors ? 'errors' : 'ok', seconds, 'websocket');
      if (!(contextValue as SocketContext).costAsked) return result;
      const cost = gate.costTold(document, operationName, variableValues);
      return { ...result, extensions: { ...result.extensions, cost } };
    },
    // An event is bounded by the limits of its statements: a timer, a histogram or a promise would cost more than it.
    executeEvent: ({ document, operationName, variableValues, contextValue, rootValue }) => {
      const result = execute({ document, operationName, variables: variableValues, context: contextValue, rootValue });
      if (!(contextValue as SocketContext).costAsked) return result;
      const cost = gate.costTold(document, operationName, variableValues);
      const withCost = (told: ExecutionResult) => ({ ...told, extensions: { ...told.extensions, cost } });
      return result instanceof Promise ? result.then(withCost) : withCost(result);
    },
    settings: { ...config.limits, allowedOrigins: config.http.allowedOrigins },
    clock: realClock,
    onDefect: logDefect,
  });
}

/** As over HTTP. The work goes on then; its own limits end it. */
const tooLate = (): ExecutionResult => ({
  errors: [
    new GraphQLError('The operation took too long; part of it may have been done.', { extensions: { code: 'REQUEST_TIMEOUT' } }),
  ],
});

function firstFieldOf(document: DocumentNode, operationName: string | null | undefined): string {
  const operation = getOperationAST(document, operationName);
  return (operation && rootFieldsOf(document, operation.selectionSet, new Set())[0]) ?? '?';
}

function prepareAsOverHttp({ schema, gate, metrics, config: { limits } }: SocketParts): PrepareOperation {
  const byRules = prepareByRules({
    schema,
    validationRules: guardRules(limits),
    largestTokenCount: limits.queryTokensMaximumCount,
    cacheCount: limits.documentCacheCount,
  });
  return async (request, caller, address) => {
    try {
      const waitSeconds = await gate.waitOfAddress(address);
      if (waitSeconds !== null) throw rateLimited(waitSeconds);
      const prepared = await byRules({ ...request, query: gate.textOf(request, caller) }, caller, address);
      if (!('kind' in prepared)) metrics.served('?', 'refused', 0, 'websocket');
      const operation = 'kind' in prepared ? getOperationAST(prepared, request.operationName) : null;
      if (operation) await gate.admit(prepared as DocumentNode, operation, request.variables, { caller, address });
      return prepared;
    } catch (error) {
      if (error instanceof GraphQLError) {
        metrics.served('?', 'refused', 0, 'websocket');
        return [error];
      }
      throw error;
    }
  };
}
