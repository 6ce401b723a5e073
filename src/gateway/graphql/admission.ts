import { GraphQLError, type GraphQLSchema } from 'graphql';
import type { Limits } from '../../config/config.js';
import type { Caller } from '../../services/caller.js';
import { OperationCosts } from './cost.js';
import { refuseIntrospection } from './introspection.js';
import type { CheckedVariables, PreparedOperation, Variables } from './prepared-operation.js';
import type { Rates } from './rate-limits.js';
import type { SentOperation, TrustedOperations } from './trusted-documents.js';

export interface GateParts {
  readonly schema: GraphQLSchema;
  readonly limits: Limits;
  /** Whether everyone may introspect the schema; admins always may. */
  readonly introspection: boolean;
  /** Null if rates are not limited. */
  readonly rates: Rates | null;
  /** Null if any operation may be sent. */
  readonly trusted: TrustedOperations | null;
}

/** An operation that may run. */
export interface Admission {
  readonly variables: CheckedVariables;
  readonly cost: number;
}

/** The checks between preparing and executing an operation, the same over HTTP and WebSocket. */
export class OperationGate {
  private readonly costs: OperationCosts;

  constructor(private readonly parts: GateParts) {
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

  /**
   * Checks the variables before anything else uses them, then introspection and cost, and counts the operation. Rejected operations count
   * too.
   *
   * @throws RequestRefused with BAD_USER_INPUT (variables), GRAPHQL_VALIDATION_FAILED (introspection), QUERY_TOO_EXPENSIVE or RATE_LIMITED
   */
  async admit(
    prepared: PreparedOperation,
    given: Variables | null | undefined,
    who: { caller: Caller; address: string },
  ): Promise<Admission> {
    const { introspection, rates } = this.parts;
    const { document, operation } = prepared;
    const spend = (cost: number) => rates?.spendOfCaller(who.caller, who.address, document, operation, cost);
    if (!introspection && who.caller.role !== 'ADMIN') refuseIntrospection(prepared.introspection);
    let variables: CheckedVariables;
    try {
      variables = prepared.checkVariables(given);
    } catch (error) {
      await spend(0);
      throw error;
    }
    const cost = this.costs.check(who.caller, document, operation, variables.values);
    await spend(cost);
    return { variables, cost };
  }

  /** The value of `extensions.cost`. */
  costExtension(caller: Caller, prepared: PreparedOperation, { values }: CheckedVariables): { asked: number; limit: number } {
    return { asked: this.costs.of(prepared.document, prepared.operation, values), limit: this.costLimitOf(caller) };
  }

  /** The maximum cost of this caller's operations. */
  costLimitOf(caller: Caller): number {
    return this.costs.limitOf(caller);
  }

  /** How many seconds an address must wait; null if it need not. */
  async addressRetryAfter(address: string): Promise<number | null> {
    return (await this.parts.rates?.spendOfAddress(address)) ?? null;
  }
}

/** The seconds to wait according to an error; null for any other error. */
export function retryAfterOf(error: unknown): number | null {
  const seconds = error instanceof GraphQLError ? error.extensions.retryAfterSeconds : null;
  return typeof seconds === 'number' ? seconds : null;
}
