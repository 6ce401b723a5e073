import { randomUUID } from 'node:crypto';
import { type ExecutionResult, GraphQLError, type GraphQLSchema } from 'graphql';
import type { Logger } from 'pino';
import type { Config } from '../../config/config.js';
import type { Tracing } from '../../observability/tracing.js';
import { createContext } from '../../resolvers/context.js';
import type { Clock } from '../../runtime/clock.js';
import { withTimeout } from '../../runtime/concurrency.js';
import type { AppServices, RunDocument } from '../../services/services.js';
import { createMask, refusalOf } from './errors.js';
import { createExecutor, type Executor } from './execute.js';
import { liveOperationRefused, Pipeline } from './pipeline.js';
import { PreparedOperations } from './prepared-operations.js';
import { guardRules } from './query-limits.js';
import { resultText } from './response.js';
import { composeSchema } from './schema.js';

export interface EngineParts {
  readonly config: Pick<Config, 'guard' | 'limits'>;
  readonly logger: Logger;
  readonly tracing: Tracing | null;
}

/** What operations are prepared and executed with, for HTTP requests, sockets and workers. */
export interface Engine {
  readonly schema: GraphQLSchema;
  readonly operations: PreparedOperations;
  readonly execute: Executor;
}

/** Throws if the contract and the classes differ. */
export async function createEngine({ config: { guard, limits }, logger, tracing }: EngineParts): Promise<Engine> {
  const schema = await composeSchema();
  const execute = createExecutor(schema, limits, (error, { requestId }) =>
    logger.warn({ requestId, err: error }, 'fast path failed; executing the operation field by field'),
  );
  const operations = new PreparedOperations({ schema, rules: guardRules(limits), limits, suggestions: guard.introspection });
  return { schema, operations, execute: tracing ? traced(execute, tracing) : execute };
}

/** With a span per operation. */
const traced =
  (execute: Executor, tracing: Tracing): Executor =>
  (run) => {
    const { name, operation } = run.prepared.operation;
    return tracing.operation(name?.value ?? '', operation, () => execute(run));
  };

export interface DocumentRunnerParts extends Omit<EngineParts, 'tracing'> {
  readonly services: AppServices;
  /** Product time. */
  readonly clock: Clock;
}

/**
 * Runs stored documents without a request: prepared, admitted, executed and masked like a POST. What was stored may run, however often, so
 * neither the manifest of trusted documents nor rate limits apply.
 */
export function createDocumentRunner(engine: Engine, { config, logger, services, clock }: DocumentRunnerParts): RunDocument {
  const { limits, guard } = config;
  const pipeline = new Pipeline({ ...engine, limits, introspection: guard.introspection, rates: null, trusted: null });
  const mask = createMask(logger, guard.introspection);
  const run = async (query: string, given: Parameters<RunDocument>[1], context: ReturnType<typeof createContext>) => {
    const prepared = pipeline.prepare({ query });
    if (prepared.operation.operation === 'subscription') throw liveOperationRefused();
    const { variables } = await pipeline.admit(prepared, given, { caller: context.caller, address: '' });
    return withTimeout(limits.requestTimeoutMs, engine.execute({ prepared, variables, context }), timedOut);
  };
  return async (document, variables, caller) => {
    const requestId = randomUUID();
    const context = createContext({ caller, requestId, services, now: clock.now() });
    const result = await run(document, variables, context).catch((error): ExecutionResult => ({ errors: refusalOf(error) }));
    return resultText(result, (error) => mask(error, { requestId }, error.extensions.code as string | undefined));
  };
}

/** The result of an operation that takes too long. The work continues; its own timeouts (statements, calls to Stripe) end it. */
export const timedOut = (): ExecutionResult => ({
  errors: [
    new GraphQLError('The operation timed out; part of it may have been executed.', { extensions: { code: 'REQUEST_TIMEOUT' } }),
  ],
});
