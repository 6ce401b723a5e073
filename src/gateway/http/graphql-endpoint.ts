import type { ApolloServer } from '@apollo/server';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import { createContext } from '../../resolvers/context.js';
import { withTimeout } from '../../runtime/concurrency.js';
import { IdentityUnavailable } from '../auth/provider-keys.js';
import { bearerToken, InvalidToken } from '../auth.js';
import type { Edge } from '../edge.js';
import { maskError, rateLimited } from '../graphql/errors.js';
import { type Admitted, type GraphqlRequest, RequestPipeline } from '../graphql/pipeline.js';
import { resultText } from '../graphql/response.js';
import { type HttpContext, hasInvalidHash, publicRefusal, toApollo, trustedRequest } from './apollo.js';

export interface EndpointParts extends Edge {
  readonly apollo: ApolloServer<HttpContext>;
}

/** GraphQL over HTTP: `POST /graphql`, and `GET /graphql` for queries. https://graphql.github.io/graphql-over-http/draft/ */
export function serveGraphql(app: FastifyInstance, parts: EndpointParts): void {
  const contentTypes = new ContentTypes();
  app.route({
    method: ['GET', 'POST'],
    url: '/graphql',
    handler: (request, reply) => answer(parts, contentTypes, request, reply),
  });
  app.route({
    method: app.supportedMethods.filter((method) => !ALLOWED_METHODS.includes(method)),
    url: '/graphql',
    // Before the body is read.
    onRequest: async (_request, reply) =>
      refuse(reply.header('allow', 'GET, POST, OPTIONS'), 405, 'BAD_REQUEST', 'GraphQL is served by GET and POST.'),
    handler: () => undefined,
  });
}

/** Fastify adds HEAD to every GET, and the CORS plugin answers OPTIONS. */
const ALLOWED_METHODS = ['GET', 'HEAD', 'POST', 'OPTIONS'];

/** Rejects a request with an error in GraphQL's format, before it reaches GraphQL. */
export function refuse(reply: FastifyReply, status: number, code: string, message: string): FastifyReply {
  const body = { errors: [{ message, extensions: { code, requestId: reply.request.id } }] };
  return reply.code(status).header('content-type', mediaTypeFor(reply.request)).send(JSON.stringify(body));
}

async function answer(
  parts: EndpointParts,
  contentTypes: ContentTypes,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  // Responses are specific to a caller and a moment.
  reply.header('cache-control', 'no-store');
  const waitSeconds = await parts.pipeline.addressRetryAfter(request.ip);
  if (waitSeconds !== null) {
    const { message } = rateLimited(waitSeconds);
    return refuse(reply.header('retry-after', waitSeconds), 429, 'RATE_LIMITED', message);
  }
  const received = await receive(parts, request, reply);
  if ('sent' in received) return reply;
  const { context, body, httpGraphQLRequest } = received;
  const { requestTimeoutMs } = parts.config.limits;
  const contentType = contentTypes.find(request.headers.accept);
  if (contentType !== undefined) {
    const text = await withTimeout(requestTimeoutMs, answerPlainPost(parts, request, body, context), isTooLate);
    if (text === TOO_LATE) return tooLate(reply);
    if (text !== null) return reply.header('content-type', contentType).send(text);
  }
  if (hasInvalidHash(body)) return refuse(reply, 400, 'BAD_REQUEST', '`sha256Hash` of a persisted query must be a string.');
  const answered = parts.apollo.executeHTTPGraphQLRequest({
    httpGraphQLRequest: httpGraphQLRequest ?? toApollo(request),
    context: () => Promise.resolve(context),
  });
  const response = await withTimeout(requestTimeoutMs, answered, isTooLate);
  if (response === TOO_LATE) return tooLate(reply);
  for (const [name, value] of response.headers) reply.header(name, value);
  // Incremental delivery is not part of the contract: every body is complete.
  const text = response.body.kind === 'complete' ? response.body.string : '';
  const { status = 200 } = response;
  const given = response.headers.get('content-type');
  if (status >= 400) return publicRefusal(reply, status, text, given);
  if (status === 200 && given) contentTypes.remember(request.headers.accept, given);
  return reply.code(status).send(text);
}

/** Longer `Accept` headers are not cached. */
const MAX_ACCEPT_CHARACTERS = 200;
const MAX_CONTENT_TYPES = 100;

/** `Accept` affects only the content type of responses, so the type that Apollo has negotiated for a header is cached. */
export class ContentTypes {
  private readonly known = new LRUCache<string, string>({ max: MAX_CONTENT_TYPES });

  /** The content type that Apollo used for this `Accept`; undefined if it is not known yet. */
  find(accept: string | undefined): string | undefined {
    return this.known.get(accept ?? '');
  }

  remember(accept: string | undefined, contentType: string): void {
    if ((accept?.length ?? 0) <= MAX_ACCEPT_CHARACTERS) this.known.set(accept ?? '', contentType);
  }
}

/**
 * Responds to a plain POST with the same pipeline and the same bytes as Apollo, without its overhead. Returns null for any other request,
 * or if it is rejected before execution; Apollo then responds, with the pipeline in the context. `body`: what was sent, or its
 * replacement from the manifest. Never rejects.
 */
async function answerPlainPost(
  { pipeline, execute, mask, metrics }: EndpointParts,
  request: FastifyRequest,
  body: unknown,
  context: HttpContext,
): Promise<string | null> {
  const plain = plainRequest(request, body);
  if (!plain) return null;
  const startedAtMs = performance.now();
  context.pipeline = new RequestPipeline(pipeline, plain);
  let admitted: Admitted;
  try {
    // Live operations run over WebSocket only: Apollo reports that.
    if (context.pipeline.prepare().operation.operation === 'subscription') return null;
    admitted = await context.pipeline.admit(context);
  } catch {
    return null;
  }
  const { prepared, variables } = admitted;
  const { requestId } = context;
  const { operationName } = prepared;
  const result = await execute({ prepared, variables, context });
  const text = resultText(result, (error) =>
    mask(error, { requestId, operationName }, error.extensions.code as string | undefined),
  );
  metrics.served(prepared.rootField, result.errors ? 'errors' : 'ok', (performance.now() - startedAtMs) / 1_000);
  return `${text}\n`;
}

const JSON_TYPE = /^application\/json(?:; ?charset=utf-8)?$/i;

/** A `POST` of JSON with only a query, a name and variables. Cross-site requests by browsers do not have this form. */
function plainRequest({ method, headers }: FastifyRequest, body: unknown): GraphqlRequest | null {
  if (method !== 'POST' || !JSON_TYPE.test(headers['content-type'] ?? '') || typeof body !== 'object' || body === null)
    return null;
  const { query, operationName = null, variables = null, extensions = null } = body as Record<string, unknown>;
  if (typeof query !== 'string' || query === '' || extensions !== null) return null;
  if (typeof variables !== 'object' || Array.isArray(variables)) return null;
  if (operationName !== null && typeof operationName !== 'string') return null;
  return { query, operationName, variables: variables as GraphqlRequest['variables'] };
}

/** Identifies the caller and reads the request, or sends an error. */
async function receive(parts: EndpointParts, request: FastifyRequest, reply: FastifyReply) {
  try {
    const { caller } = await parts.identity.identify(bearerToken(authorizationOf(request)));
    const context = createContext({ caller, requestId: request.id, services: parts.services, now: parts.clock.now() });
    const httpGraphQLRequest = parts.pipeline.isOpenTo(caller) ? null : trustedRequest(parts.pipeline, request, caller);
    const body = httpGraphQLRequest ? httpGraphQLRequest.body : request.body;
    return { context: Object.assign(context, { address: request.ip }) as HttpContext, body, httpGraphQLRequest };
  } catch (error) {
    if (error instanceof InvalidToken) {
      // https://www.rfc-editor.org/rfc/rfc6750#section-3
      refuse(reply.header('www-authenticate', 'Bearer error="invalid_token"'), 401, 'UNAUTHENTICATED', error.message);
    } else {
      const masked = maskError(error, { suggestions: false });
      // The identity logs once that tokens cannot be verified, not for each request.
      if (masked.isDefect && !(error instanceof IdentityUnavailable))
        parts.logger.error({ requestId: request.id, err: error }, 'could not identify the caller');
      refuse(reply, masked.isDefect ? 503 : 400, String(masked.error.extensions?.code), masked.error.message);
    }
    return { sent: true as const };
  }
}

/** Node keeps the first of several `Authorization` headers; a proxy may have checked another. */
function authorizationOf({ headers, raw: { rawHeaders } }: FastifyRequest): string | undefined {
  if (headers.authorization === undefined) return undefined;
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.length === 'authorization'.length && rawHeaders[index]?.toLowerCase() === 'authorization') count++;
  }
  if (count > 1) throw new InvalidToken('There must be only one Authorization header.');
  return headers.authorization;
}

/** The work continues then; its own timeouts (statements, calls to Stripe) end it. */
const TOO_LATE = Symbol('too late');
const isTooLate = (): typeof TOO_LATE => TOO_LATE;

const tooLate = (reply: FastifyReply) =>
  refuse(reply, 503, 'REQUEST_TIMEOUT', 'The operation timed out; part of it may have been executed.');

/** https://graphql.github.io/graphql-over-http/draft/#sec-Media-Types */
function mediaTypeFor(request: FastifyRequest): string {
  const accepted = request.headers.accept ?? '';
  const type = accepted.includes('application/graphql-response+json') ? 'application/graphql-response+json' : 'application/json';
  return `${type}; charset=utf-8`;
}
