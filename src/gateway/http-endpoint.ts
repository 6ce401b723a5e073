import type { ApolloServer } from '@apollo/server';
import { HeaderMap } from '@apollo/server';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../clock.js';
import { type Context, createContext } from '../resolvers/context.js';
import type { RequiredServices } from '../resolvers/required-services.js';
import { bearerToken, type Identity, InvalidToken } from './identity.js';
import { tell } from './public-error.js';

export interface EndpointParts {
  readonly apollo: ApolloServer<Context>;
  readonly identity: Identity;
  readonly services: RequiredServices;
  readonly clock: Clock;
  readonly requestTimeoutMs: number;
}

/** GraphQL over HTTP: `POST /graphql`, and `GET /graphql` for queries. https://graphql.github.io/graphql-over-http/draft/ */
export function serveGraphql(app: FastifyInstance, parts: EndpointParts): void {
  app.route({ method: ['GET', 'POST'], url: '/graphql', handler: (request, reply) => answer(parts, request, reply) });
}

/** A refusal in GraphQL's form, for what never got as far as GraphQL. */
export function refuse(reply: FastifyReply, status: number, code: string, message: string): FastifyReply {
  const body = { errors: [{ message, extensions: { code, requestId: reply.request.id } }] };
  return reply.code(status).header('content-type', mediaTypeFor(reply.request)).send(JSON.stringify(body));
}

async function answer(parts: EndpointParts, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  let context: Context;
  try {
    const { caller } = await parts.identity.identify(bearerToken(request.headers.authorization));
    context = createContext({ caller, requestId: request.id, services: parts.services, now: parts.clock.now() });
  } catch (error) {
    if (error instanceof InvalidToken) {
      // https://www.rfc-editor.org/rfc/rfc6750#section-3
      return refuse(reply.header('www-authenticate', 'Bearer error="invalid_token"'), 401, 'UNAUTHENTICATED', error.message);
    }
    request.log.error({ err: error }, 'a caller could not be identified');
    const { message, extensions } = tell(error, { suggestions: false }).error;
    return refuse(reply, 503, String(extensions?.code), message);
  }
  const response = await withinTime(
    parts.requestTimeoutMs,
    parts.apollo.executeHTTPGraphQLRequest({ httpGraphQLRequest: toApollo(request), context: () => Promise.resolve(context) }),
  );
  if (response === TOO_LATE)
    return refuse(reply, 503, 'REQUEST_TIMEOUT', 'The operation took too long; part of it may have been done.');
  for (const [name, value] of response.headers) reply.header(name, value);
  // Incremental delivery is not part of the contract: every body is complete.
  const text = response.body.kind === 'complete' ? response.body.string : '';
  const status = response.status ?? 200;
  if (status < 400) return reply.code(status).send(text);
  const refusal = withRequestId(text, request.id);
  const isWellFormed = WELL_FORMED.test(refusal) && response.headers.get('content-type')?.startsWith('application/json');
  return reply.code(isWellFormed ? 200 : status).send(refusal);
}

/**
 * Refusals of well-formed requests. To clients that do not know application/graphql-response+json they are answers like any
 * other, with 200: https://graphql.github.io/graphql-over-http/draft/#sec-application-json
 */
const WELL_FORMED = /"code":"(GRAPHQL_PARSE_FAILED|GRAPHQL_VALIDATION_FAILED|BAD_USER_INPUT|QUERY_TOO_EXPENSIVE)"/;

/** Apollo refuses some requests before our plugin sees them. */
function withRequestId(text: string, requestId: string): string {
  if (!text.startsWith('{')) {
    return JSON.stringify({ errors: [{ message: text, extensions: { code: 'BAD_REQUEST', requestId } }] });
  }
  const body = JSON.parse(text) as { errors?: { extensions?: object }[] };
  const errors = body.errors?.map((error) => ({ ...error, extensions: { ...error.extensions, requestId } }));
  return JSON.stringify({ ...body, ...(errors && { errors }) });
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

const TOO_LATE = Symbol('too late');

/** The work's result, or TOO_LATE. The work goes on then; its own limits (statements, calls to Stripe) end it. */
async function withinTime<Result>(limitMs: number, work: Promise<Result>): Promise<Result | typeof TOO_LATE> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<typeof TOO_LATE>((resolve) => {
    timer = setTimeout(() => resolve(TOO_LATE), limitMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** https://graphql.github.io/graphql-over-http/draft/#sec-Media-Types */
function mediaTypeFor(request: FastifyRequest): string {
  const accepted = request.headers.accept ?? '';
  const type = accepted.includes('application/graphql-response+json') ? 'application/graphql-response+json' : 'application/json';
  return `${type}; charset=utf-8`;
}
