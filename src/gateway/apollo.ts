import { ApolloServer, type ApolloServerPlugin, HeaderMap } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import {
  type DocumentNode,
  GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import type { Logger } from 'pino';
import type { GuardConfig, Limits } from '../config.js';
import type { Context } from '../resolvers/context.js';
import type { Executor } from './execution.js';
import { rootFieldsOf } from './guard/rates.js';
import { guardParseOptions, guardRules } from './guard/rules.js';
import type { KnownOperations } from './known-operations.js';
import type { Metrics, Outcome } from './metrics.js';
import { type OperationGate, retryAfterOf } from './operation-gate.js';
import { rootCause, tell } from './public-error.js';

/** A resolver's context, and what the edge alone must know. */
export interface HttpContext extends Context {
  readonly address: string;
  /** The gate's word on this request, once it was asked: nobody is counted twice. Its cost, or what it refused with. */
  admission?: Promise<number>;
}

export interface ApolloParts {
  readonly schema: GraphQLSchema;
  readonly execute: Executor;
  readonly guard: GuardConfig;
  readonly limits: Limits;
  readonly gate: OperationGate;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Learns what was accepted. */
  readonly known: KnownOperations;
}

/**
 * Apollo Server without what costs time or what we do ourselves: no cache control (it wraps every resolver), no landing page, no
 * reports, no batching, no signal handlers. Parsed documents are cached; execution goes to `execute` through the gateway interface.
 */
export function createApollo(parts: ApolloParts): ApolloServer<HttpContext> {
  const { schema, execute, guard, limits, logger } = parts;
  return new ApolloServer<HttpContext>({
    gateway: gatewayTo(schema, execute),
    // The gate refuses it, for WebSocket too.
    introspection: true,
    validationRules: guardRules(limits),
    parseOptions: guardParseOptions(limits),
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
      watchRequests(parts),
    ],
  });
}

type ApolloGateway = NonNullable<ConstructorParameters<typeof ApolloServer<HttpContext>>[0]['gateway']>;

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

/** The gate before execution; the request's id in every error; a log line for every defect; what was served. */
function watchRequests({ gate, limits, logger, metrics, known }: ApolloParts): ApolloServerPlugin<HttpContext> {
  return {
    requestDidStart: async ({ request, contextValue }) => {
      const { requestId } = contextValue;
      const startedAtMs = performance.now();
      let cost: number | undefined;
      return {
        didResolveOperation: async ({ document, operation }) => {
          if (!operation) return;
          if (operation.operation === 'subscription') throw liveOverHttp();
          const admission = contextValue.admission ?? gate.admit(document, operation, request.variables, contextValue);
          cost = await withHttpStatus(admission);
        },
        didEncounterErrors: async ({ errors, operationName }) => {
          for (const error of errors) {
            const { isDefect } = tell(error, { suggestions: false }, error.extensions?.code as string | undefined);
            const facts = { requestId, operationName, path: error.path, err: rootCause(error) };
            if (isDefect) logger.error(facts, 'an operation failed');
          }
        },
        willSendResponse: async ({ response: { body }, document, operation, source }) => {
          if (body.kind !== 'single') return;
          const { singleResult } = body;
          if (singleResult.errors) {
            const { errors } = singleResult;
            singleResult.errors = errors.map((error) => ({ ...error, extensions: { ...error.extensions, requestId } }));
          }
          if (request.extensions?.cost) {
            const asked = { asked: cost, limit: limits.queryCostMaximumCount };
            singleResult.extensions = { ...singleResult.extensions, cost: asked };
          }
          const outcome = !('data' in singleResult) ? 'refused' : singleResult.errors ? 'errors' : 'ok';
          const rootField = accept({ known, outcome, source, document, operation, operationName: request.operationName });
          metrics.served(rootField, outcome, (performance.now() - startedAtMs) / 1_000);
        },
      };
    },
  };
}

const liveOverHttp = () =>
  new GraphQLError('Live operations run over WebSocket only, by the protocol graphql-transport-ws.', {
    extensions: { code: 'BAD_REQUEST', http: { status: 400 } },
  });

interface Served {
  readonly known: KnownOperations;
  readonly outcome: Outcome;
  readonly source: string | undefined;
  readonly document: DocumentNode | undefined;
  readonly operation: OperationDefinitionNode | undefined;
  readonly operationName: string | null | undefined;
}

/** Remembers an operation that was let run; gives back what metrics call it by. */
function accept({ known, outcome, source, document, operation, operationName }: Served): string {
  if (outcome === 'refused' || !source || !document || !operation) return '?';
  const [rootField = '?'] = rootFieldsOf(document, operation.selectionSet, new Set());
  known.remember(source, { document, operation, operationName: operationName ?? undefined, rootField });
  return rootField;
}

/** What Apollo answers with: 429 and when to come back, for who has asked too often. */
async function withHttpStatus<Result>(admission: Promise<Result>): Promise<Result> {
  try {
    return await admission;
  } catch (error) {
    const seconds = retryAfterOf(error);
    if (seconds === null) throw error;
    const { message, extensions } = error as GraphQLError;
    const http = { status: 429, headers: new HeaderMap([['retry-after', String(seconds)]]) };
    throw new GraphQLError(message, { extensions: { ...extensions, http } });
  }
}
