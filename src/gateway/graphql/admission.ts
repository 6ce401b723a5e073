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
  /** Whether all may ask about the schema; admins always may. */
  readonly introspection: boolean;
  /** Null when rates are not limited. */
  readonly rates: Rates | null;
  /** Null when any operation may be sent. */
  readonly trusted: TrustedOperations | null;
}

/** An operation that may run. */
export interface Admission {
  readonly variables: CheckedVariables;
  readonly cost: number;
}

/** What stands between a prepared operation and its execution, the same over HTTP and WebSocket. */
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
   * The text to run: what was sent, or what the manifest has under the id that was sent. Ends as
   * TrustedOperations.textOf, and in PERSISTED_QUERY_NOT_SUPPORTED for an id where there is no manifest.
   */
  resolveText(sent: SentOperation, caller: Caller): string {
    if (this.parts.trusted && !this.isOpenTo(caller)) return this.parts.trusted.resolveText(sent);
    const { query = '', extensions } = sent;
    if (query === '' && (extensions as { persistedQuery?: unknown } | null | undefined)?.persistedQuery) {
      throw new GraphQLError('Automatic persisted queries are learned over HTTP only: send the text.', {
        extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED' },
      });
    }
    return typeof query === 'string' ? query : '';
  }

  /**
   * Checks the variables before anything else looks at them, then introspection and cost, and counts the operation. What is
   * refused counts too. `@throws` RequestRefused with BAD_USER_INPUT (variables), GRAPHQL_VALIDATION_FAILED (introspection),
   * QUERY_TOO_EXPENSIVE or RATE_LIMITED.
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

  /** What `extensions.cost` answers. */
  costExtension(caller: Caller, prepared: PreparedOperation, { values }: CheckedVariables): { asked: number; limit: number } {
    return { asked: this.costs.of(prepared.document, prepared.operation, values), limit: this.costLimitOf(caller) };
  }

  /** The cost that an operation of this caller may have. */
  costLimitOf(caller: Caller): number {
    return this.costs.limitOf(caller);
  }

  /** Seconds that an address must wait; null when it need not. */
  async addressRetryAfter(address: string): Promise<number | null> {
    return (await this.parts.rates?.spendOfAddress(address)) ?? null;
  }
}

/** How many seconds an error asks to wait; null for any other error. */
export function retryAfterOf(error: unknown): number | null {
  const seconds = error instanceof GraphQLError ? error.extensions.retryAfterSeconds : null;
  return typeof seconds === 'number' ? seconds : null;
}
