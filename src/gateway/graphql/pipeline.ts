import type { Context } from '../../resolvers/context.js';
import type { Admission, OperationGate } from './admission.js';
import type { PreparedOperation, Variables } from './prepared-operation.js';
import type { PreparedOperations } from './prepared-operations.js';

/** A client's request. */
export interface GraphqlRequest {
  readonly query: string;
  readonly operationName?: string | null | undefined;
  readonly variables?: Variables | null | undefined;
}

export interface Admitted extends Admission {
  readonly prepared: PreparedOperation;
}

/**
 * The steps of one request: prepare, then admit, each at most once, however often it is called. So rejecting a request does not repeat
 * the work, and no request is counted twice.
 */
export class RequestPipeline {
  private preparation: (() => PreparedOperation) | null = null;
  private admission: Promise<Admitted> | null = null;

  constructor(
    private readonly operations: PreparedOperations,
    private readonly gate: OperationGate,
    readonly request: GraphqlRequest,
  ) {}

  /** @throws RequestRefused, each time */
  prepare(): PreparedOperation {
    this.preparation ??= outcomeOf(() => this.operations.prepare(this.request.query, this.request.operationName));
    return this.preparation();
  }

  /** @throws RequestRefused or GraphQLError, each time */
  admit(who: Pick<Context, 'caller'> & { address: string }): Promise<Admitted> {
    this.admission ??= this.admitOnce(who);
    return this.admission;
  }

  private async admitOnce(who: Pick<Context, 'caller'> & { address: string }): Promise<Admitted> {
    const prepared = this.prepare();
    return { prepared, ...(await this.gate.admit(prepared, this.request.variables, who)) };
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
