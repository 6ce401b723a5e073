import { randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import { type ExecutionResult, GraphQLError, type GraphQLFormattedError, type GraphQLSchema } from 'graphql';
import type { Logger } from 'pino';
import { isForAllowedHost } from '../allowed-host.js';
import type { Clock } from '../clock.js';
import type { Config } from '../config.js';
import { type Context, createContext } from '../resolvers/context.js';
import type { RequiredServices } from '../resolvers/required-services.js';
import { withinTime } from '../within-time.js';
import { clientAddress } from './client-address.js';
import type { Executor } from './graphql/execute.js';
import { RequestPipeline } from './graphql/pipeline.js';
import type { PreparedOperations } from './graphql/prepared-operations.js';
import { refusalOf } from './graphql/request-refused.js';
import { rateLimited } from './guard/rates.js';
import type { Identity } from './identity.js';
import type { PrepareOperation } from './live-operations.js';
import { attachLiveSocket, type LiveSockets } from './live-socket.js';
import type { Metrics } from './metrics.js';
import type { OperationGate } from './operation-gate.js';
import { requestErrorCode, rootCause, tell } from './public-error.js';

export interface SocketParts {
  readonly schema: GraphQLSchema;
  readonly operations: PreparedOperations;
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
    execute: async ({ prepared, variables }, contextValue) => {
      const startedAtMs = performance.now();
      const context = contextValue as SocketContext;
      const run = () => execute({ prepared, variables, context });
      const result = await withinTime<ExecutionResult, ExecutionResult>(config.limits.requestTimeoutMs, run(), tooLate);
      const seconds = (performance.now() - startedAtMs) / 1_000;
      metrics.served(prepared.rootField, result.errors ? 'errors' : 'ok', seconds, 'websocket');
      if (!context.costAsked) return result;
      return { ...result, extensions: { ...result.extensions, cost: gate.costTold(context.caller, prepared, variables) } };
    },
    // An event is bounded by the limits of its statements: a timer, a histogram or a promise would cost more than it.
    executeEvent: ({ prepared, variables }, contextValue, event) => {
      const context = contextValue as SocketContext;
      const result = execute({ prepared, variables, context, event });
      if (!context.costAsked) return result;
      const cost = gate.costTold(context.caller, prepared, variables);
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

function prepareAsOverHttp({ operations, gate, metrics }: SocketParts): PrepareOperation {
  return async (request, caller, address) => {
    try {
      const waitSeconds = await gate.waitOfAddress(address);
      if (waitSeconds !== null) throw rateLimited(waitSeconds);
      const query = gate.textOf(request, caller);
      return await new RequestPipeline(operations, gate, { ...request, query }).admit({ caller, address });
    } catch (error) {
      const errors = refusalOf(error);
      metrics.served('?', 'refused', 0, 'websocket');
      return errors;
    }
  };
}
