import { randomUUID } from 'node:crypto';
import { createSourceEventStream, type ExecutionResult, GraphQLError } from 'graphql';
import { CloseCode, makeServer } from 'graphql-ws';
import { type Context, createContext } from '../../resolvers/context.js';
import { withTimeout } from '../../runtime/concurrency.js';
import type { Caller } from '../../services/caller.js';
import { timedOut } from '../graphql/engine.js';
import { maskErrors, RequestRefused, rateLimited, requestErrorCode } from '../graphql/errors.js';
import type { Admitted, GraphqlRequest } from '../graphql/pipeline.js';
import { resultText } from '../graphql/response.js';
import type { LiveConnection } from './connection.js';
import type { SocketAdmission, SocketParts } from './server.js';
import { EventFailed, PushedEvents } from './subscription.js';

export interface Extra {
  readonly connection: LiveConnection;
  readonly address: string;
}

/** The content of a `subscribe` message. */
interface LiveRequest extends GraphqlRequest {
  readonly extensions?: Record<string, unknown> | null;
}

/** graphql-ws over our sockets: its operations go through the same pipeline, executor and masking as HTTP. */
export function liveProtocol(parts: SocketParts, admission: SocketAdmission, onEvent: () => void) {
  const maskAll = (errors: readonly GraphQLError[]) => maskErrors(errors, (error) => maskOnSocket(parts, error));
  return makeServer<Record<string, unknown>, Extra>({
    connectionInitWaitTimeout: parts.config.limits.connectionInitTimeoutMs,
    onConnect: async (context) => {
      const { connectionParams, extra } = context;
      const refusal = await admission.admit(extra.connection, connectionParams);
      // Tokens are long, and this one is no longer needed.
      (context as { connectionParams?: unknown }).connectionParams = undefined;
      // The socket is closing: what graphql-ws sends after this is discarded.
      if (refusal) extra.connection.close(...refusal);
      return refusal === null;
    },
    onSubscribe: async ({ extra }, id, payload) => {
      const { connection } = extra;
      // graphql-ws accepts an id again as soon as its client has completed the operation. The end of the old operation would then be
      // reported as the end of the new one, which could never be ended.
      if (connection.operations.has(id)) {
        connection.close(CloseCode.SubscriberAlreadyExists, `Subscriber for ${id} already exists`);
        return [new GraphQLError('This operation id is already in use.')];
      }
      if (connection.operations.size >= parts.config.limits.operationsPerSocketCount) return [tooManyOperations()];
      connection.operations.add(id);
      const admitted = await admit(parts, payload, extra);
      if (!('prepared' in admitted)) {
        connection.operations.delete(id);
        return admitted;
      }
      connection.operationAdmitted(payload.query);
      const operation = new SocketOperation(parts, admitted, connection, id, Boolean(payload.extensions?.cost), onEvent);
      // graphql-ws keeps the message while the operation runs; its text is long, and already kept with the document.
      (payload as { query: string }).query = '';
      const { document, operationName } = admitted.prepared;
      return { schema: parts.schema, document, operationName, contextValue: operation };
    },
    execute: (args) => (args.contextValue as SocketOperation).execute(),
    subscribe: (args) => (args.contextValue as SocketOperation).subscribe(),
    onNext: (_context, _id, _payload, _args, result) => (result.errors ? { ...result, errors: maskAll(result.errors) } : result),
    onError: (_context, _id, _payload, errors) => maskAll(errors.flatMap((error) => streamErrors(error as GraphQLError))),
    onComplete: ({ extra }, id) => {
      extra.connection.operations.delete(id);
    },
  });
}

/** Prepares and admits an operation as over HTTP, or returns the errors to respond with. The socket stays open, even after a defect. */
async function admit(parts: SocketParts, request: LiveRequest, { connection, address }: Extra) {
  const { pipeline, metrics } = parts;
  const caller = connection.caller as Caller;
  try {
    const waitSeconds = await pipeline.addressRetryAfter(address);
    if (waitSeconds !== null) throw rateLimited(waitSeconds);
    const { operationName, variables } = request;
    const prepared = pipeline.prepare({ query: pipeline.resolveText(request, caller), operationName });
    return await pipeline.admit(prepared, variables, { caller, address });
  } catch (error) {
    metrics.served('?', 'refused', 0, 'websocket');
    return error instanceof RequestRefused ? error.errors : [asGraphQLError(error)];
  }
}

const maskOnSocket = ({ mask }: SocketParts, error: GraphQLError) =>
  mask(error, { requestId: randomUUID() }, requestErrorCode(error));

/** One admitted operation of a socket. */
class SocketOperation {
  /** The beginning of the message that graphql-ws would send: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md#next */
  private readonly beginning: string;
  private readonly caller: Caller;
  /** The cost of the operation, if the client requested it. */
  private readonly extensions: ExecutionResult['extensions'] | null;

  constructor(
    private readonly parts: SocketParts,
    private readonly admitted: Admitted,
    private readonly connection: LiveConnection,
    id: string,
    costAsked: boolean,
    private readonly onEvent: () => void,
  ) {
    this.beginning = `{"id":${JSON.stringify(id)},"type":"next","payload":`;
    this.caller = connection.caller as Caller;
    this.extensions = costAsked ? { cost: parts.pipeline.costExtension(this.caller, admitted.cost) } : null;
  }

  /** For queries and mutations. Never throws. */
  async execute(): Promise<ExecutionResult> {
    const { execute, config, metrics } = this.parts;
    const { prepared, variables } = this.admitted;
    const startedAtMs = performance.now();
    try {
      const running = execute({ prepared, variables, context: this.context() });
      const result = await withTimeout(config.limits.requestTimeoutMs, running, timedOut);
      const seconds = (performance.now() - startedAtMs) / 1_000;
      metrics.served(prepared.rootField, result.errors ? 'errors' : 'ok', seconds, 'websocket');
      return this.extended(result);
    } catch (error) {
      return { errors: [asGraphQLError(error)] };
    }
  }

  /** For live operations. Never throws. */
  async subscribe(): Promise<ExecutionResult | AsyncIterableIterator<ExecutionResult>> {
    const { prepared, variables } = this.admitted;
    try {
      const source = await createSourceEventStream({
        schema: this.parts.schema,
        document: prepared.document,
        operationName: prepared.operationName,
        variableValues: variables.given,
        contextValue: this.context(),
      });
      return Symbol.asyncIterator in source ? new PushedEvents(source[Symbol.asyncIterator](), this) : source;
    } catch (error) {
      return { errors: [asGraphQLError(error)] };
    }
  }

  /**
   * Resolves an event; returns a promise only if necessary. An event is bounded by the timeouts of its statements: a timer, a histogram or a
   * promise would cost more than the event.
   */
  resolve(event: unknown): ExecutionResult | Promise<ExecutionResult> {
    const { prepared, variables } = this.admitted;
    const result = this.parts.execute({ prepared, variables, context: this.context(), event });
    if (this.extensions === null) return result;
    return result instanceof Promise ? result.then((settled) => this.extended(settled)) : this.extended(result);
  }

  /** Sends a result; returns a promise if the client must read first. */
  push(result: ExecutionResult): Promise<void> | undefined {
    this.onEvent();
    return this.connection.push(`${this.beginning}${resultText(result, (error) => maskOnSocket(this.parts, error))}}`);
  }

  private extended(result: ExecutionResult): ExecutionResult {
    return this.extensions === null ? result : { ...result, extensions: { ...result.extensions, ...this.extensions } };
  }

  /** Each event gets its own: a reused loader would return stale rows. */
  private context(): Context {
    const { services, clock } = this.parts;
    return createContext({ caller: this.caller, requestId: randomUUID(), services, now: clock.now() });
  }
}

/** The errors of an event stream, which graphql-ws has wrapped: graphql-js's errors, with their paths. */
function streamErrors(error: GraphQLError): readonly GraphQLError[] {
  const { originalError } = error;
  if (originalError instanceof EventFailed && originalError.errors.length > 0) return originalError.errors;
  return !error.path && originalError instanceof GraphQLError ? streamErrors(originalError) : [error];
}

function asGraphQLError(error: unknown): GraphQLError {
  if (error instanceof GraphQLError) return error;
  const originalError = error instanceof Error ? error : new Error(String(error));
  return new GraphQLError(originalError.message, { originalError });
}

const tooManyOperations = () =>
  new GraphQLError('Too many operations on this socket. Complete one, or open another socket.', {
    extensions: { code: 'RATE_LIMITED' },
  });
