import type { FastifyRequest } from 'fastify';
import type { ExecutionResult } from 'graphql';
import type { Logger } from 'pino';
import type { HttpContext } from './apollo.js';
import type { Executor } from './execution.js';
import { JsonText } from './json-text.js';
import type { KnownOperation, KnownOperations } from './known-operations.js';
import type { Metrics } from './metrics.js';
import type { OperationGate } from './operation-gate.js';
import { rootCause, tell } from './public-error.js';

export interface KnownParts {
  readonly known: KnownOperations;
  readonly execute: Executor;
  readonly gate: OperationGate;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Whether names of the schema may be suggested in errors. */
  readonly suggestions: boolean;
}

export interface KnownAnswer {
  readonly contentType: string;
  readonly text: string;
}

interface PlainRequest {
  readonly operation: KnownOperation;
  readonly contentType: string;
  readonly variables: Readonly<Record<string, unknown>> | undefined;
}

/**
 * Answers a request of the plainest form for an operation that Apollo has served before: the same gate, the same execution, the
 * same bytes, without Apollo's work in between. Null when it is anything else, or when it is refused before it runs: Apollo is to
 * answer then, by the admission that the context has. `body`: what was sent, or what the manifest has in its place. Ends in no
 * error.
 */
export async function answerKnown(
  { known, execute, gate, metrics, logger, suggestions }: KnownParts,
  request: FastifyRequest,
  body: unknown,
  context: HttpContext,
): Promise<KnownAnswer | null> {
  const plain = plainRequest(known, request, body);
  if (!plain) return null;
  const startedAtMs = performance.now();
  const { document, operation, operationName, rootField } = plain.operation;
  const { variables, contentType } = plain;
  try {
    context.admission = gate.admit(document, operation, variables, context);
    await context.admission;
  } catch {
    return null;
  }
  const result = await execute({ document, operationName, variables, context });
  // Without data nothing ran: the variables were at fault.
  if (result.data === undefined) return null;
  const text = textOf(result, (error) => {
    const told = tell(error, { requestId: context.requestId, suggestions }, error.extensions?.code as string | undefined);
    const facts = { requestId: context.requestId, operationName, path: error.path, err: rootCause(error) };
    if (told.isDefect) logger.error(facts, 'an operation failed');
    return told.error;
  });
  metrics.served(rootField, result.errors ? 'errors' : 'ok', (performance.now() - startedAtMs) / 1_000);
  return { contentType, text };
}

/** `POST` of JSON with nothing but a text, a name and variables. What a browser sends from another page is not that plain. */
function plainRequest(known: KnownOperations, { method, headers }: FastifyRequest, body: unknown): PlainRequest | null {
  if (method !== 'POST' || headers['content-type'] !== 'application/json') return null;
  const contentType = known.contentTypeFor(headers.accept);
  if (contentType === undefined || typeof body !== 'object' || body === null) return null;
  const { query, operationName = null, variables = null, extensions = null } = body as Record<string, unknown>;
  if (typeof query !== 'string' || extensions !== null || typeof variables !== 'object' || Array.isArray(variables)) return null;
  if (operationName !== null && typeof operationName !== 'string') return null;
  const operation = known.find(query, operationName ?? undefined);
  return operation ? { operation, contentType, variables: (variables ?? undefined) as PlainRequest['variables'] } : null;
}

/** https://spec.graphql.org/October2021/#sec-Response-Format: errors come first where there are some. */
function textOf(
  { data, errors }: ExecutionResult,
  publicForm: (error: NonNullable<ExecutionResult['errors']>[number]) => object,
) {
  const dataText = (data as unknown) instanceof JsonText ? (data as unknown as JsonText).text : JSON.stringify(data);
  return errors ? `{"errors":${JSON.stringify(errors.map(publicForm))},"data":${dataText}}\n` : `{"data":${dataText}}\n`;
}
