import type { ApolloServer } from '@apollo/server';
import { HeaderMap } from '@apollo/server';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { createContext } from '../../resolvers/context.js';
import type { Clock } from '../../runtime/clock.js';
import { withTimeout } from '../../runtime/concurrency.js';
import type { Caller } from '../../services/caller.js';
import type { AppServices } from '../../services/services.js';
import { InvalidToken } from '../auth/claims.js';
import { IdentityUnavailable } from '../auth/provider-keys.js';
import { bearerToken, type Identity } from '../auth.js';
import type { OperationGate } from '../graphql/admission.js';
import { maskError } from '../graphql/errors.js';
import { rateLimited } from '../graphql/rate-limits.js';
import type { SentOperation } from '../graphql/trusted-documents.js';
import { answerPlainPost, type PlainPostParts } from './answer-plain-post.js';
import type { HttpContext } from './apollo.js';

export interface EndpointParts extends PlainPostParts {
  readonly apollo: ApolloServer<HttpContext>;
  readonly identity: Identity;
  readonly services: AppServices;
  readonly clock: Clock;
  readonly requestTimeoutMs: number;
}

/** GraphQL over HTTP: `POST /graphql`, and `GET /graphql` for queries. https://graphql.github.io/graphql-over-http/draft/ */
export function serveGraphql(app: FastifyInstance, parts: EndpointParts): void {
  app.route({ method: ['GET', 'POST'], url: '/graphql', handler: (request, reply) => answer(parts, request, reply) });
}

/** Rejects a request with an error in GraphQL's format, before it reaches GraphQL. */
export function refuse(reply: FastifyReply, status: number, code: string, message: string): FastifyReply {
  const body = { errors: [{ message, extensions: { code, requestId: reply.request.id } }] };
  return reply.code(status).header('content-type', mediaTypeFor(reply.request)).send(JSON.stringify(body));
}

async function answer(parts: EndpointParts, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  // Responses are specific to a caller and a moment.
  reply.header('cache-control', 'no-store');
  const waitSeconds = await parts.gate.addressRetryAfter(request.ip);
  if (waitSeconds !== null) {
    const { message } = rateLimited(waitSeconds);
    return refuse(reply.header('retry-after', waitSeconds), 429, 'RATE_LIMITED', message);
  }
  const admitted = await admit(parts, request, reply);
  if ('sent' in admitted) return reply;
  const { context, body, httpGraphQLRequest } = admitted;
  const plain = await withTimeout(parts.requestTimeoutMs, answerPlainPost(parts, request, body, context), isTooLate);
  if (plain === TOO_LATE) return tooLate(reply);
  if (plain) return reply.header('content-type', plain.contentType).send(plain.text);
  if (hasInvalidHash(body)) return refuse(reply, 400, 'BAD_REQUEST', '`sha256Hash` of a persisted query must be a string.');
  const response = await withTimeout(
    parts.requestTimeoutMs,
    parts.apollo.executeHTTPGraphQLRequest({
      httpGraphQLRequest: httpGraphQLRequest ?? toApollo(request),
      context: () => Promise.resolve(context),
    }),
    isTooLate,
  );
  if (response === TOO_LATE) return tooLate(reply);
  for (const [name, value] of response.headers) reply.header(name, value);
  // Incremental delivery is not part of the contract: every body is complete.
  const text = response.body.kind === 'complete' ? response.body.string : '';
  const status = response.status ?? 200;
  if (status < 400) {
    const contentType = response.headers.get('content-type');
    if (status === 200 && contentType) parts.contentTypes.remember(request.headers.accept, contentType);
    return reply.code(status).send(text);
  }
  const refusal = withRequestId(text, request.id);
  const isWellFormed = WELL_FORMED.test(refusal) && response.headers.get('content-type')?.startsWith('application/json');
  return reply.code(isWellFormed ? 200 : status).send(refusal);
}

/**
 * Errors for well-formed requests. Clients that do not accept application/graphql-response+json get them with status 200, like any other
 * response: https://graphql.github.io/graphql-over-http/draft/#sec-application-json
 */
const WELL_FORMED = /"code":"(GRAPHQL_PARSE_FAILED|GRAPHQL_VALIDATION_FAILED|BAD_USER_INPUT|QUERY_TOO_EXPENSIVE)"/;

/** Apollo rejects some requests before our plugin sees them. */
function withRequestId(text: string, requestId: string): string {
  if (!text.startsWith('{')) {
    return JSON.stringify({ errors: [{ message: text, extensions: { code: 'BAD_REQUEST', requestId } }] });
  }
  const body = JSON.parse(text) as { errors?: { extensions?: object }[] };
  const errors = body.errors?.map((error) => ({ ...error, extensions: { ...error.extensions, requestId } }));
  return JSON.stringify({ ...body, ...(errors && { errors }) });
}

/** Apollo would look up an invalid hash, and not find it. */
function hasInvalidHash(body: unknown): boolean {
  const { extensions } = (body ?? {}) as { extensions?: { persistedQuery?: { sha256Hash?: unknown } } };
  const persistedQuery = extensions?.persistedQuery;
  return typeof persistedQuery === 'object' && persistedQuery !== null && typeof persistedQuery.sha256Hash !== 'string';
}

const tooLate = (reply: FastifyReply) =>
  refuse(reply, 503, 'REQUEST_TIMEOUT', 'The operation timed out; part of it may have been executed.');

/** Identifies the caller and reads the request, or sends an error. */
async function admit(parts: EndpointParts, request: FastifyRequest, reply: FastifyReply) {
  try {
    const { caller } = await parts.identity.identify(bearerToken(authorizationOf(request)));
    const context = createContext({ caller, requestId: request.id, services: parts.services, now: parts.clock.now() });
    const httpGraphQLRequest = parts.gate.isOpenTo(caller) ? null : trustedRequest(parts.gate, request, caller);
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

/** The request with the manifest's text instead of what was sent. */
function trustedRequest(gate: OperationGate, request: FastifyRequest, caller: Caller) {
  const converted = toApollo(request);
  if (request.method === 'GET') {
    const search = new URLSearchParams(converted.search);
    const query = gate.resolveText({ query: search.get('query'), extensions: parsed(search.get('extensions')) }, caller);
    search.delete('extensions');
    search.set('query', query);
    return { ...converted, search: `?${search}` };
  }
  const body = (typeof request.body === 'object' ? request.body : null) ?? {};
  const { extensions: _extensions, ...rest } = body as SentOperation;
  return { ...converted, body: { ...rest, query: gate.resolveText(body, caller) } };
}

function parsed(text: string | null): unknown {
  try {
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

function toApollo(request: FastifyRequest) {
  const headers = new HeaderMap();
  for (const name in request.headers) {
    const value = request.headers[name];
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  const query = request.url.indexOf('?');
  return { method: request.method, headers, search: query === -1 ? '' : request.url.slice(query), body: request.body };
}

/** The work continues then; its own timeouts (statements, calls to Stripe) end it. */
const TOO_LATE = Symbol('too late');
const isTooLate = (): typeof TOO_LATE => TOO_LATE;

/** https://graphql.github.io/graphql-over-http/draft/#sec-Media-Types */
function mediaTypeFor(request: FastifyRequest): string {
  const accepted = request.headers.accept ?? '';
  const type = accepted.includes('application/graphql-response+json') ? 'application/graphql-response+json' : 'application/json';
  return `${type}; charset=utf-8`;
}
