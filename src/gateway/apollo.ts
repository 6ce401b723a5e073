import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import type { GraphQLFormattedError, GraphQLSchema } from 'graphql';
import type { Logger } from 'pino';
import type { GuardConfig, Limits } from '../config.js';
import type { Context } from '../resolvers/context.js';
import type { Executor } from './execution.js';
import { checkCost } from './guard/cost.js';
import { guardParseOptions, guardRules } from './guard/rules.js';
import { rootCause, tell } from './public-error.js';

export interface ApolloParts {
  readonly schema: GraphQLSchema;
  readonly execute: Executor;
  readonly guard: GuardConfig;
  readonly limits: Limits;
  readonly logger: Logger;
}

/**
 * Apollo Server without what costs time or what we do ourselves: no cache control (it wraps every resolver), no landing page, no
 * reports, no batching, no signal handlers. Parsed documents are cached; execution goes to `execute` through the gateway interface.
 */
export function createApollo({ schema, execute, guard, limits, logger }: ApolloParts): ApolloServer<Context> {
  const settings = { introspection: guard.introspection, limits };
  return new ApolloServer<Context>({
    gateway: gatewayTo(schema, execute),
    // The guard's own rule takes its place, for WebSocket too.
    introspection: true,
    validationRules: guardRules(settings),
    parseOptions: guardParseOptions(settings),
    csrfPrevention: true,
    allowBatchedHttpRequests: false,
    stopOnTerminationSignals: false,
    includeStacktraceInErrorResponses: false,
    persistedQueries: guard.persistedOperations === 'automatic' ? { ttl: null } : false,
    // Nothing depends on NODE_ENV behind our back.
    nodeEnv: 'production',
    logger,
    formatError: (formatted, error) => publicForm(formatted, error, guard.introspection),
    plugins: [
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginInlineTraceDisabled(),
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginSchemaReportingDisabled(),
      ApolloServerPluginUsageReportingDisabled(),
      watchRequests(schema, limits, logger),
    ],
  });
}

type ApolloGateway = NonNullable<ConstructorParameters<typeof ApolloServer<Context>>[0]['gateway']>;

/** Apollo runs operations by whatever its "gateway" says; ours compiles them. */
function gatewayTo(schema: GraphQLSchema, execute: Executor): ApolloGateway {
  return {
    onSchemaLoadOrUpdate(callback) {
      callback({ apiSchema: schema, coreSupergraphSdl: '' });
      return () => undefined;
    },
    load: async () => ({
      executor: async ({ document, operationName, request, context }) =>
        execute({ document, operationName, variables: request.variables, context }) as never,
    }),
    stop: async () => undefined,
  };
}

/** Apollo has put its own code on what it refused itself; what a resolver threw is in the original. */
function publicForm(formatted: GraphQLFormattedError, error: unknown, suggestions: boolean): GraphQLFormattedError {
  const code = formatted.extensions?.code;
  return tell(error, { suggestions }, code === 'INTERNAL_SERVER_ERROR' ? undefined : (code as string | undefined)).error;
}

/** Cost before execution, the request's id in every error, a log line for every defect. */
function watchRequests(schema: GraphQLSchema, limits: Limits, logger: Logger): ApolloServerPlugin<Context> {
  return {
    requestDidStart: async ({ request, contextValue: { requestId } }) => {
      let cost: number | undefined;
      return {
        didResolveOperation: async ({ document, operation }) => {
          if (operation) cost = checkCost(limits.queryCostMaximumCount, schema, document, operation, request.variables);
        },
        didEncounterErrors: async ({ errors, operationName }) => {
          for (const error of errors) {
            const { isDefect } = tell(error, { suggestions: false }, error.extensions?.code as string | undefined);
            if (isDefect)
              logger.error({ requestId, operationName, path: error.path, err: rootCause(error) }, 'an operation failed');
          }
        },
        willSendResponse: async ({ response: { body } }) => {
          if (body.kind !== 'single') return;
          const { singleResult } = body;
          if (singleResult.errors) {
            singleResult.errors = singleResult.errors.map((error) => ({
              ...error,
              extensions: { ...error.extensions, requestId },
            }));
          }
          if (request.extensions?.cost) {
            const asked = { asked: cost, limit: limits.queryCostMaximumCount };
            singleResult.extensions = { ...singleResult.extensions, cost: asked };
          }
        },
      };
    },
  };
}
