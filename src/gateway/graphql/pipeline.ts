import { GraphQLError, type GraphQLSchema } from 'graphql';
import type { Limits } from '../../config/config.js';
import type { Caller } from '../../services/caller.js';
import { OperationCosts } from './cost.js';
import type { CheckedVariables, PreparedOperation, PreparedOperations, Variables } from './prepared-operations.js';
import type { Rates } from './rate-limits.js';
import type { SentOperation, TrustedOperations } from './trusted-documents.js';

/** A client's request. */
export interface GraphqlRequest {
  readonly query: string;
  readonly operationName?: string | null | undefined;
  readonly variables?: Variables | null | undefined;
}

/** Whose rates a request counts towards. */
export interface Sender {
  readonly caller: Caller;
  readonly address: string;
}

/** An operation that may run. */
export interface Admitted {
  readonly prepared: PreparedOperation;
  readonly variables: CheckedVariables;
  readonly cost: number;
}

export interface PipelineParts {
  readonly schema: GraphQLSchema;
  readonly operations: PreparedOperations;
  readonly limits: Limits;
  /** Whether everyone may introspect the schema; admins always may. */
  readonly introspection: boolean;
  /** Null if rates are not limited. */
  readonly rates: Rates | null;
  /** Null if any operation may be sent. */
  readonly trusted: TrustedOperations | null;
}

/** The steps before execution, the same for every transport: resolve the text, prepare, admit. The first one that refuses ends it. */
export class Pipeline {
  private readonly costs: OperationCosts;

  constructor(private readonly parts: PipelineParts) {
    this.costs = new OperationCosts(parts.schema, parts.limits);
  }

  /** Whether the caller may send any operation: admins always. */
  isOpenTo(caller: Caller): boolean {
    return this.parts.trusted === null || caller.role === 'ADMIN';
  }

  /**
   * The text to run: the one sent, or the manifest's for the id that was sent.
   *
   * @throws the errors of TrustedOperations.resolveText; PERSISTED_QUERY_NOT_SUPPORTED for an id without a manifest
   */
  resolveText(sent: SentOperation, caller: Caller): string {
    if (this.parts.trusted && !this.isOpenTo(caller)) return this.parts.trusted.resolveText(sent);
    const { query = '', extensions } = sent;
    if (query === '' && (extensions as { persistedQuery?: unknown } | null | undefined)?.persistedQuery) {
      throw new GraphQLError('Automatic persisted queries can be registered over HTTP only. Send the full query.', {
        extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED' },
      });
    }
    return typeof query === 'string' ? query : '';
  }

  /** @throws the errors of PreparedOperations.prepare */
  prepare({ query, operationName }: GraphqlRequest): PreparedOperation {
    return this.parts.operations.prepare(query, operationName);
  }

  /**
   * Checks the variables before anything else uses them, then introspection and cost, and counts the operation. Rejected operations count
   * too.
   *
   * @throws RequestRefused with BAD_USER_INPUT (variables), GRAPHQL_VALIDATION_FAILED (introspection), QUERY_TOO_EXPENSIVE or RATE_LIMITED
   */
  async admit(prepared: PreparedOperation, given: GraphqlRequest['variables'], sender: Sender): Promise<Admitted> {
    const { introspection, rates } = this.parts;
    if (!introspection && sender.caller.role !== 'ADMIN') refuseIntrospection(prepared);
    let variables: CheckedVariables;
    try {
      variables = prepared.checkVariables(given);
    } catch (error) {
      await rates?.spendOfCaller(sender, prepared, 0);
      throw error;
    }
    const cost = this.costs.check(sender.caller, prepared.document, prepared.operation, variables.values);
    await rates?.spendOfCaller(sender, prepared, cost);
    return { prepared, variables, cost };
  }

  /** The value of `extensions.cost`. */
  costExtension(caller: Caller, cost: number | undefined): { asked: number | undefined; limit: number } {
    return { asked: cost, limit: this.costs.limitOf(caller) };
  }

  /** How many seconds an address must wait; null if it need not. */
  async addressRetryAfter(address: string): Promise<number | null> {
    return (await this.parts.rates?.spendOfAddress(address)) ?? null;
  }
}

/**
 * The steps of one request, each at most once, however often it is called. So rejecting a request does not repeat the work, and no request
 * is counted twice.
 */
export class RequestPipeline {
  private preparation: (() => PreparedOperation) | null = null;
  private admission: Promise<Admitted> | null = null;

  constructor(
    private readonly pipeline: Pipeline,
    readonly request: GraphqlRequest,
  ) {}

  /** @throws RequestRefused, each time */
  prepare(): PreparedOperation {
    this.preparation ??= outcomeOf(() => this.pipeline.prepare(this.request));
    return this.preparation();
  }

  /** @throws RequestRefused or GraphQLError, each time */
  admit(sender: Sender): Promise<Admitted> {
    this.admission ??= this.admitOnce(sender);
    return this.admission;
  }

  private async admitOnce(sender: Sender): Promise<Admitted> {
    return await this.pipeline.admit(this.prepare(), this.request.variables, sender);
  }
}

/** Does the work now, and returns a function that returns or throws its outcome. */
function outcomeOf<Result>(work: () => Result): () => Result {
  try {
    const result = work();
    return () => result;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

/**
 * Not a validation rule, because rules do not know the caller, and a document validated for an admin would be valid for everyone.
 *
 * @throws GRAPHQL_VALIDATION_FAILED for a document that introspects the schema
 */
function refuseIntrospection({ introspection }: PreparedOperation): void {
  if (!introspection) return;
  throw new GraphQLError(`Introspection is disabled, but the document queries "${introspection.name.value}".`, {
    nodes: introspection,
    extensions: { code: 'GRAPHQL_VALIDATION_FAILED', http: { status: 400 } },
  });
}

/** For transports that cannot send events. */
export const liveOperationRefused = () =>
  new GraphQLError('Live operations run over WebSocket only, with the protocol graphql-transport-ws.', {
    extensions: { code: 'BAD_REQUEST', http: { status: 400 } },
  });
