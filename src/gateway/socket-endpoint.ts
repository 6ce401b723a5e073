import { randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import { type DocumentNode, GraphQLError, type GraphQLFormattedError, type GraphQLSchema, getOperationAST } from 'graphql';
import type { Logger } from 'pino';
import type { Clock } from '../clock.js';
import type { Config } from '../config.js';
import { createContext } from '../resolvers/context.js';
import type { RequiredServices } from '../resolvers/required-services.js';
import type { Executor } from './execution.js';
import { guardRules } from './guard/rules.js';
import type { Identity } from './identity.js';
import { type PrepareOperation, prepareByRules } from './live-operations.js';
import { attachLiveSocket, type LiveSockets } from './live-socket.js';
import type { OperationGate } from './operation-gate.js';
import { requestErrorCode, rootCause, tell } from './public-error.js';

export interface SocketParts {
  readonly schema: GraphQLSchema;
  readonly identity: Identity;
  readonly execute: Executor;
  readonly gate: OperationGate;
  readonly services: RequiredServices;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly config: Pick<Config, 'http' | 'guard' | 'limits'>;
}

/** GraphQL over WebSocket on the same server: the guard, the callers, the execution and the masking of HTTP. */
export function serveSockets(server: Server, parts: SocketParts): LiveSockets {
  const { schema, identity, execute, services, clock, logger, config } = parts;
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
    createContext: (caller) => createContext({ caller, requestId: randomUUID(), services, now: clock.now() }),
    formatError,
    execute: ({ document, operationName, variableValues, contextValue, rootValue }) =>
      execute({ document, operationName, variables: variableValues, context: contextValue, rootValue }),
    settings: { ...config.limits, allowedOrigins: config.http.allowedOrigins },
    clock,
    onDefect: logDefect,
  });
}

function prepareAsOverHttp({ schema, gate, config: { guard, limits } }: SocketParts): PrepareOperation {
  const byRules = prepareByRules({
    schema,
    validationRules: guardRules({ introspection: guard.introspection, limits }),
    largestTokenCount: limits.queryTokensMaximumCount,
    cacheCount: limits.documentCacheCount,
  });
  return async (request, caller) => {
    try {
      const prepared = await byRules({ ...request, query: gate.textOf(request, caller) }, caller);
      const operation = 'kind' in prepared ? getOperationAST(prepared, request.operationName) : null;
      if (operation) await gate.admit(prepared as DocumentNode, operation, request.variables, { caller, address: '' });
      return prepared;
    } catch (error) {
      if (error instanceof GraphQLError) return [error];
      throw error;
    }
  };
}
