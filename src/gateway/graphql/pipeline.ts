import { GraphQLError, type GraphQLSchema, getNamedType, isInputObjectType } from 'graphql';
import type { Redis } from 'ioredis';
import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import type { Limits } from '../../config/config.js';
import type { Caller } from '../../services/caller.js';
import { addressKey } from './address-key.js';
import { costLimitOf } from './cost.js';
import { rateLimited } from './errors.js';
import type { CheckedVariables, PreparedOperation, PreparedOperations, Variables } from './prepared-operations.js';
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
  constructor(private readonly parts: PipelineParts) {}

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
    const cost = this.allowedCost(prepared, variables.values, sender.caller);
    await rates?.spendOfCaller(sender, prepared, cost);
    return { prepared, variables, cost };
  }

  /** The value of `extensions.cost`. */
  costExtension(caller: Caller, cost: number | undefined): { asked: number | undefined; limit: number } {
    return { asked: cost, limit: costLimitOf(caller, this.parts.limits) };
  }

  /** How many seconds an address must wait; null if it need not. */
  async addressRetryAfter(address: string): Promise<number | null> {
    return (await this.parts.rates?.spendOfAddress(address)) ?? null;
  }

  /** @throws QUERY_TOO_EXPENSIVE */
  private allowedCost(prepared: PreparedOperation, variables: Variables, caller: Caller): number {
    const { limits } = this.parts;
    const cost = prepared.cost(variables);
    const limit = costLimitOf(caller, limits);
    if (cost <= limit) return cost;
    // The usual introspection query is long, and who may send it is decided elsewhere: it has the limit of callers with a token.
    if (cost <= limits.queryCostMaximumCount && prepared.costWithoutIntrospection(variables) <= limit) return cost;
    const remedy = caller.userId === null ? 'Authenticate, or request' : 'Request';
    throw new GraphQLError(`The operation may cost ${cost}; at most ${limit} is allowed. ${remedy} smaller or fewer pages.`, {
      extensions: { code: 'QUERY_TOO_EXPENSIVE', cost, limit, http: { status: 400 } },
    });
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

/** The rate limit that an operation falls under, strictest last. */
export type OperationClass = 'reads' | 'writes' | 'money';

export interface RateSettings {
  readonly schema: GraphQLSchema;
  readonly limits: Limits;
  /** Shared by all nodes; without it, or while it is down, each node counts separately. */
  readonly redis?: Redis | undefined;
  /** For metrics: called with the limit that was exceeded. */
  readonly onLimited?: (limit: 'address' | OperationClass) => void;
}

/** Limits the rate of requests per address, and of operations per caller and class. */
export class Rates {
  private readonly limiters: Readonly<Record<'address' | OperationClass, RateLimiterAbstract>>;
  private readonly moneyFields: ReadonlySet<string>;

  constructor(private readonly settings: RateSettings) {
    const { limits, redis, schema } = settings;
    const limiter = (name: string, points: number): RateLimiterAbstract => {
      const options = { keyPrefix: `boxoffice:rate:${name}`, points, duration: limits.rateLimitWindowMs / 1_000 };
      const memory = new RateLimiterMemory(options);
      return redis
        ? new RateLimiterRedis({ ...options, storeClient: redis, rejectIfRedisNotReady: true, insuranceLimiter: memory })
        : memory;
    };
    this.limiters = {
      address: limiter('address', limits.rateLimitAddressCount),
      reads: limiter('reads', limits.rateLimitReadsCount),
      writes: limiter('writes', limits.rateLimitWritesCount),
      money: limiter('money', limits.rateLimitMoneyCount),
    };
    this.moneyFields = fieldsThatMoveMoney(schema);
  }

  /** Counts a request of an address. Returns null, or how many seconds the address must wait if it has exceeded its rate. */
  spendOfAddress(address: string): Promise<number | null> {
    return this.spend('address', addressKey(address), 1);
  }

  /**
   * Counts an operation of a caller by its cost; callers without a token are counted by address. `cost`: 0 if the operation was rejected
   * before its cost was known.
   *
   * @throws RATE_LIMITED
   */
  async spendOfCaller({ caller, address }: Sender, prepared: PreparedOperation, cost: number): Promise<void> {
    const { operationClass, points } = weigh(prepared, this.moneyFields, cost);
    const waitSeconds = await this.spend(operationClass, caller.userId ?? addressKey(address), points);
    if (waitSeconds !== null) throw rateLimited(waitSeconds);
  }

  private async spend(limit: 'address' | OperationClass, key: string, points: number): Promise<number | null> {
    try {
      await this.limiters[limit].consume(key, points);
      return null;
    } catch (refusal) {
      // A limiter that fails must not block requests.
      if (!(refusal instanceof RateLimiterRes)) return null;
      this.settings.onLimited?.(limit);
      return Math.max(1, Math.ceil(refusal.msBeforeNext / 1_000));
    }
  }
}

/** Mutations that take an idempotency key move money: product rule 12. */
export function fieldsThatMoveMoney(schema: GraphQLSchema): ReadonlySet<string> {
  const fields = Object.values(schema.getMutationType()?.getFields() ?? {});
  const moving = fields.filter(({ args }) =>
    args.some(({ type }) => {
      const input = getNamedType(type);
      return isInputObjectType(input) && 'idempotencyKey' in input.getFields();
    }),
  );
  return new Set(moving.map(({ name }) => name));
}

/** The cost that counts as one point of a rate. */
const COST_PER_POINT = 1_000;

/**
 * An operation counts by its cost, so a caller may send few expensive or many cheap ones. Each root field of a mutation counts as well:
 * twenty purchases in one document are twenty.
 */
function weigh(
  { operation, rootFields }: PreparedOperation,
  moneyFields: ReadonlySet<string>,
  cost: number,
): { operationClass: OperationClass; points: number } {
  const pointsOfCost = Math.max(1, Math.ceil(cost / COST_PER_POINT));
  if (operation.operation !== 'mutation') return { operationClass: 'reads', points: pointsOfCost };
  const moving = rootFields.filter((name) => moneyFields.has(name)).length;
  if (moving > 0) return { operationClass: 'money', points: Math.max(moving, pointsOfCost) };
  return { operationClass: 'writes', points: Math.max(rootFields.length, pointsOfCost) };
}

/** For transports that cannot send events. */
export const liveOperationRefused = () =>
  new GraphQLError('Live operations run over WebSocket only, with the protocol graphql-transport-ws.', {
    extensions: { code: 'BAD_REQUEST', http: { status: 400 } },
  });
