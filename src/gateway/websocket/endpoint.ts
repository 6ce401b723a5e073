import { randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import { type ExecutionResult, GraphQLError, type GraphQLFormattedError, type GraphQLSchema } from 'graphql';
import type { Logger } from 'pino';
import { isForAllowedHost } from '../../config/allowed-host.js';
import type { Config } from '../../config/config.js';
import type { Metrics } from '../../observability/metrics.js';
import { type Context, createContext } from '../../resolvers/context.js';
import type { Clock } from '../../runtime/clock.js';
import { withTimeout } from '../../runtime/concurrency.js';
import type { AppServices } from '../../services/services.js';
import type { Identity } from '../auth.js';
import type { OperationGate } from '../graphql/admission.js';
import { maskError, requestErrorCode, rootCause } from '../graphql/errors.js';
import type { Executor } from '../graphql/execute.js';
import { RequestPipeline } from '../graphql/pipeline.js';
import type { PreparedOperations } from '../graphql/prepared-operations.js';
import { rateLimited } from '../graphql/rate-limits.js';
import { refusalOf } from '../graphql/request-refused.js';
import { clientAddress } from '../http/request.js';
import type { PrepareOperation } from './operations.js';
import { attachLiveSocket, type LiveSockets } from './server.js';

export interface SocketParts {
  readonly schema: GraphQLSchema;
  readonly operations: PreparedOperations;
  readonly identity: Identity;
  readonly execute: Executor;
  readonly gate: OperationGate;
  readonly services: AppServices;
  /** Product time, also used for tokens. */
  readonly clock: Clock;
  readonly realClock: Clock;
  readonly logger: Logger;
  readonly config: Pick<Config, 'http' | 'guard' | 'limits'>;
  readonly metrics: Metrics;
}

/** A resolver's context, and whether the client requested the cost of its operation. */
interface SocketContext extends Context {
  readonly costAsked: boolean;
}

/** GraphQL over WebSocket on the same server, with the same admission, authentication, execution and error masking as HTTP. */
export function serveSockets(server: Server, parts: SocketParts): LiveSockets {
  const { schema, identity, execute, gate, services, clock, realClock, logger, config, metrics } = parts;
  const allowedHosts = config.http.allowedHosts && new Set(config.http.allowedHosts);
  const logDefect = (error: unknown, requestId?: string) =>
    logger.error({ requestId, err: rootCause(error) }, 'operation on a socket failed');
  const formatError = (error: GraphQLError): GraphQLFormattedError => {
    const requestId = randomUUID();
    const masked = maskError(error, { requestId, suggestions: config.guard.introspection }, requestErrorCode(error));
    if (masked.isDefect) logDefect(error, requestId);
    return masked.error;
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
    addressRetryAfter: (address) => gate.addressRetryAfter(address),
    formatError,
    execute: async ({ prepared, variables }, contextValue) => {
      const startedAtMs = performance.now();
      const context = contextValue as SocketContext;
      const run = () => execute({ prepared, variables, context });
      const result = await withTimeout<ExecutionResult, ExecutionResult>(config.limits.requestTimeoutMs, run(), tooLate);
      const seconds = (performance.now() - startedAtMs) / 1_000;
      metrics.served(prepared.rootField, result.errors ? 'errors' : 'ok', seconds, 'websocket');
      if (!context.costAsked) return result;
      return { ...result, extensions: { ...result.extensions, cost: gate.costExtension(context.caller, prepared, variables) } };
    },
    // An event is bounded by the timeouts of its statements: a timer, a histogram or a promise would cost more than the event.
    executeEvent: ({ prepared, variables }, contextValue, event) => {
      const context = contextValue as SocketContext;
      const result = execute({ prepared, variables, context, event });
      if (!context.costAsked) return result;
      const cost = gate.costExtension(context.caller, prepared, variables);
      const withCost = (result: ExecutionResult) => ({ ...result, extensions: { ...result.extensions, cost } });
      return result instanceof Promise ? result.then(withCost) : withCost(result);
    },
    settings: { ...config.limits, allowedOrigins: config.http.allowedOrigins },
    clock: realClock,
    onDefect: logDefect,
  });
}

/** As over HTTP, the work continues; its own timeouts end it. */
const tooLate = (): ExecutionResult => ({
  errors: [
    new GraphQLError('The operation timed out; part of it may have been executed.', { extensions: { code: 'REQUEST_TIMEOUT' } }),
  ],
});

function prepareAsOverHttp({ operations, gate, metrics }: SocketParts): PrepareOperation {
  return async (request, caller, address) => {
    try {
      const waitSeconds = await gate.addressRetryAfter(address);
      if (waitSeconds !== null) throw rateLimited(waitSeconds);
      const query = gate.resolveText(request, caller);
      return await new RequestPipeline(operations, gate, { ...request, query }).admit({ caller, address });
    } catch (error) {
      const errors = refusalOf(error);
      metrics.served('?', 'refused', 0, 'websocket');
      return errors;
    }
  };
}
