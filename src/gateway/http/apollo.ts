import { ApolloServer, type ApolloServerPlugin, type GraphQLRequestContext, HeaderMap } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type DocumentNode, GraphQLError, type GraphQLFormattedError, type GraphQLSchema, parse } from 'graphql';
import { LRUCache } from 'lru-cache';
import type { Context } from '../../resolvers/context.js';
import type { Caller } from '../../services/caller.js';
import type { Edge } from '../edge.js';
import { logDefect, MAX_ERRORS, maskError, maskErrors, refusalOf, retryAfterOf } from '../graphql/errors.js';
import type { Executor } from '../graphql/execute.js';
import { liveOperationRefused, type Pipeline, RequestPipeline } from '../graphql/pipeline.js';
import type { SentOperation } from '../graphql/trusted-documents.js';

/** A resolver's context, and what only the edge needs. */
export interface HttpContext extends Context {
  readonly address: string;
  /** The pipeline of this request, so that no step runs, or counts, twice. */
  pipeline?: RequestPipeline;
}

/**
 * Apollo Server for everything but plain POSTs: GET, automatic persisted queries, malformed and rejected requests. Without features that
 * cost time or that we implement ourselves: no cache control (it wraps every resolver), no landing page, no reports, no batching, no
 * signal handlers. It does not parse, validate or cache documents: the pipeline provides prepared ones.
 */
export function createApollo(parts: Edge): ApolloServer<HttpContext> {
  const { schema, execute, logger } = parts;
  const { guard, limits } = parts.config;
  return new ApolloServer<HttpContext>({
    gateway: gatewayTo(schema, execute),
    // Admission rejects it, for WebSocket too.
    introspection: true,
    documentStore: null,
    csrfPrevention: true,
    allowBatchedHttpRequests: false,
    stopOnTerminationSignals: false,
    includeStacktraceInErrorResponses: false,
    persistedQueries:
      guard.persistedOperations === 'automatic' ? { ttl: null, cache: textsUpTo(limits.documentCacheBytes) } : false,
    // Fixed, so that no behaviour depends on NODE_ENV implicitly.
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

/** The texts of automatic persisted queries by hash, up to a number of bytes. */
function textsUpTo(bytes: number) {
  const texts = new LRUCache<string, string>({
    maxSize: bytes,
    // A character may take two bytes.
    sizeCalculation: (text, hash) => 2 * (text.length + hash.length) + 100,
  });
  return {
    get: async (hash: string) => texts.get(hash),
    set: async (hash: string, text: string) => void texts.set(hash, text),
    delete: async (hash: string) => texts.delete(hash),
  };
}

type ApolloGateway = NonNullable<ConstructorParameters<typeof ApolloServer<HttpContext>>[0]['gateway']>;

/** Apollo runs operations through its "gateway"; ours runs what the pipeline has admitted. */
function gatewayTo(schema: GraphQLSchema, execute: Executor): ApolloGateway {
  return {
    onSchemaLoadOrUpdate(callback) {
      callback({ apiSchema: schema, coreSupergraphSdl: '' });
      return () => undefined;
    },
    load: async () => ({
      executor: async ({ context }) => {
        const { pipeline } = context as HttpContext;
        if (!pipeline) throw new Error('an operation must be admitted before it runs');
        return execute({ ...(await pipeline.admit(context as HttpContext)), context: context as HttpContext }) as never;
      },
    }),
    stop: async () => undefined,
  };
}

/** Apollo adds its own code to requests that it rejects; a resolver's error is in the original. */
function publicForm(formatted: GraphQLFormattedError, error: unknown, suggestions: boolean): GraphQLFormattedError {
  const code = formatted.extensions?.code;
  return maskError(error, { suggestions }, code === 'INTERNAL_SERVER_ERROR' ? codeOf(error) : (code as string | undefined)).error;
}

/** Apollo rejects some persisted queries with a status and no code: the request is invalid. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof GraphQLError)) return undefined;
  const { code, http } = error.extensions as { code?: string; http?: { status?: number } };
  return code ?? (http?.status === 400 ? 'BAD_REQUEST' : undefined);
}

/** Replaces a rejected document, so that Apollo reaches the point where a plugin can reject the request. */
const REFUSED = parse('{ __typename }');

type ApolloContext = GraphQLRequestContext<HttpContext>;

/** Prepares the operation instead of Apollo; returns the errors if it is rejected, or null. */
function prepareFor(context: ApolloContext, pipeline: Pipeline): readonly GraphQLError[] | null {
  const { request, source = '', contextValue } = context;
  const { operationName, variables } = request;
  const given = contextValue.pipeline?.request;
  if (given?.query !== source) {
    contextValue.pipeline = new RequestPipeline(pipeline, { query: source, operationName, variables });
  }
  const use = (document: DocumentNode) => {
    (context as { document?: DocumentNode }).document = document;
  };
  try {
    use((contextValue.pipeline as RequestPipeline).prepare().document);
    return null;
  } catch (error) {
    use(REFUSED);
    return refusalOf(error);
  }
}

/** Runs the pipeline before execution, adds the request id to every error, logs defects and counts operations. */
function watchRequests(parts: Edge): ApolloServerPlugin<HttpContext> {
  const { pipeline, logger, metrics, config } = parts;
  return {
    requestDidStart: async ({ request, contextValue }) => {
      const { requestId } = contextValue;
      const startedAtMs = performance.now();
      let cost: number | undefined;
      let refusal: readonly GraphQLError[] | null = null;
      return {
        didResolveSource: async (context) => {
          refusal = prepareFor(context, pipeline);
        },
        didResolveOperation: async ({ operation }) => {
          try {
            if (operation?.operation === 'subscription') throw liveOperationRefused();
            if (!refusal) cost = (await contextValue.pipeline?.admit(contextValue))?.cost;
          } catch (error) {
            refusal = refusalOf(error);
          }
          // Apollo accepts one error here; the others are added to its response.
          if (refusal) throw withHttpStatus(refusal[0] as GraphQLError);
        },
        didEncounterErrors: async ({ errors, operationName }) => {
          for (const error of errors.slice(0, MAX_ERRORS)) {
            const { isDefect } = maskError(error, { suggestions: false }, codeOf(error));
            if (isDefect) logDefect(logger, error, { requestId, operationName });
          }
        },
        willSendResponse: async ({ response: { body } }) => {
          if (body.kind !== 'single') return;
          const { singleResult } = body;
          const errors =
            refusal?.map((error) => maskError(error, { suggestions: config.guard.introspection }).error) ?? singleResult.errors;
          if (errors) {
            singleResult.errors = maskErrors(errors, (error) => ({ ...error, extensions: { ...error.extensions, requestId } }));
          }
          if (request.extensions?.cost) {
            const extension = pipeline.costExtension(contextValue.caller, cost);
            singleResult.extensions = { ...singleResult.extensions, cost: extension };
          }
          const outcome = !('data' in singleResult) ? 'refused' : singleResult.errors ? 'errors' : 'ok';
          const rootField = outcome === 'refused' ? '?' : (contextValue.pipeline?.prepare().rootField ?? '?');
          metrics.served(rootField, outcome, (performance.now() - startedAtMs) / 1_000);
        },
      };
    },
  };
}

/** Adds the HTTP status 429 and Retry-After to an error of a rate limit. */
function withHttpStatus(error: GraphQLError): GraphQLError {
  const seconds = retryAfterOf(error);
  if (seconds === null) return error;
  const http = { status: 429, headers: new HeaderMap([['retry-after', String(seconds)]]) };
  return new GraphQLError(error.message, { extensions: { ...error.extensions, http } });
}

export function toApollo(request: FastifyRequest) {
  const headers = new HeaderMap();
  for (const name in request.headers) {
    const value = request.headers[name];
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  const query = request.url.indexOf('?');
  return { method: request.method, headers, search: query === -1 ? '' : request.url.slice(query), body: request.body };
}

/** The request with the manifest's text instead of what was sent. */
export function trustedRequest(pipeline: Pipeline, request: FastifyRequest, caller: Caller) {
  const converted = toApollo(request);
  if (request.method === 'GET') {
    const search = new URLSearchParams(converted.search);
    const sent = { query: search.get('query'), extensions: parsed(search.get('extensions')) };
    search.set('query', pipeline.resolveText(sent, caller));
    search.delete('extensions');
    return { ...converted, search: `?${search}` };
  }
  const body = (typeof request.body === 'object' ? request.body : null) ?? {};
  const { extensions: _extensions, ...rest } = body as SentOperation;
  return { ...converted, body: { ...rest, query: pipeline.resolveText(body, caller) } };
}

function parsed(text: string | null): unknown {
  try {
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

/** Apollo would look up an invalid hash, and not find it. */
export function hasInvalidHash(body: unknown): boolean {
  const { extensions } = (body ?? {}) as { extensions?: { persistedQuery?: { sha256Hash?: unknown } } };
  const persistedQuery = extensions?.persistedQuery;
  return typeof persistedQuery === 'object' && persistedQuery !== null && typeof persistedQuery.sha256Hash !== 'string';
}

/**
 * Errors for well-formed requests. Clients that do not accept application/graphql-response+json get them with status 200, like any other
 * response: https://graphql.github.io/graphql-over-http/draft/#sec-application-json
 */
const WELL_FORMED = /"code":"(GRAPHQL_PARSE_FAILED|GRAPHQL_VALIDATION_FAILED|BAD_USER_INPUT|QUERY_TOO_EXPENSIVE)"/;

/** Sends Apollo's response to a request that it rejected, with the request id. */
export function publicRefusal(reply: FastifyReply, status: number, text: string, contentType: string | undefined): FastifyReply {
  const refusal = withRequestId(text, reply.request.id);
  const isWellFormed = WELL_FORMED.test(refusal) && contentType?.startsWith('application/json');
  return reply.code(isWellFormed ? 200 : status).send(refusal);
}

/** Apollo rejects some requests before our plugin sees them. */
function withRequestId(text: string, requestId: string): string {
  if (!text.startsWith('{')) {
    return JSON.stringify({ errors: [{ message: text, extensions: { code: 'BAD_REQUEST', requestId } }] });
  }
  const body = JSON.parse(text) as { errors?: { extensions?: object }[] };
  const errors = body.errors?.map((error) => ({ ...error, extensions: { ...error.extensions, requestId } }));
  return JSON.stringify({ ...body, ...(errors && { errors }) });
}
