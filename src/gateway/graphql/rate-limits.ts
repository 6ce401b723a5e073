import { GraphQLError, type GraphQLSchema, getNamedType, isInputObjectType } from 'graphql';
import type { Redis } from 'ioredis';
import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import type { Limits } from '../../config/limits.js';
import { addressKey } from './address-key.js';
import type { Sender } from './pipeline.js';
import type { PreparedOperation } from './prepared-operations.js';

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

export const rateLimited = (retryAfterSeconds: number) =>
  new GraphQLError(`Too many requests. Try again in ${retryAfterSeconds} s.`, {
    extensions: { code: 'RATE_LIMITED', retryAfterSeconds },
  });

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

/** The seconds to wait according to an error; null for any other error. */
export function retryAfterOf(error: unknown): number | null {
  const seconds = error instanceof GraphQLError ? error.extensions.retryAfterSeconds : null;
  return typeof seconds === 'number' ? seconds : null;
}
