import type { FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { Metrics } from '../../observability/metrics.js';
import type { OperationGate } from '../graphql/admission.js';
import { maskError, rootCause } from '../graphql/errors.js';
import type { Executor } from '../graphql/execute.js';
import { type Admitted, type GraphqlRequest, RequestPipeline } from '../graphql/pipeline.js';
import type { PreparedOperations } from '../graphql/prepared-operations.js';
import { resultText } from '../graphql/raw-json.js';
import type { HttpContext } from './apollo.js';
import type { ContentTypes } from './content-types.js';

export interface PlainPostParts {
  readonly operations: PreparedOperations;
  readonly contentTypes: ContentTypes;
  readonly execute: Executor;
  readonly gate: OperationGate;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Whether names of the schema may be suggested in errors. */
  readonly suggestions: boolean;
}

export interface PlainAnswer {
  readonly contentType: string;
  readonly text: string;
}

/**
 * Responds to a plain POST with the same pipeline and the same bytes as Apollo, without its overhead. Returns null for any other request,
 * or if it is rejected before execution; Apollo then responds, with the pipeline in the context. `body`: what was sent, or its
 * replacement from the manifest. Never rejects.
 */
export async function answerPlainPost(
  parts: PlainPostParts,
  request: FastifyRequest,
  body: unknown,
  context: HttpContext,
): Promise<PlainAnswer | null> {
  const contentType = parts.contentTypes.find(request.headers.accept);
  const plain = contentType === undefined ? null : plainRequest(request, body);
  if (contentType === undefined || !plain) return null;
  const startedAtMs = performance.now();
  context.pipeline = new RequestPipeline(parts.operations, parts.gate, plain);
  let admitted: Admitted;
  try {
    // Live operations run over WebSocket only: Apollo reports that.
    if (context.pipeline.prepare().operation.operation === 'subscription') return null;
    admitted = await context.pipeline.admit(context);
  } catch {
    return null;
  }
  const { execute, metrics, logger, suggestions } = parts;
  const { prepared, variables } = admitted;
  const result = await execute({ prepared, variables, context });
  const text = resultText(result, (error) => {
    const masked = maskError(error, { requestId: context.requestId, suggestions }, error.extensions?.code as string | undefined);
    const { operationName } = prepared;
    const facts = { requestId: context.requestId, operationName, path: error.path, err: rootCause(error) };
    if (masked.isDefect) logger.error(facts, 'operation failed');
    return masked.error;
  });
  metrics.served(prepared.rootField, result.errors ? 'errors' : 'ok', (performance.now() - startedAtMs) / 1_000);
  return { contentType, text: `${text}\n` };
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
