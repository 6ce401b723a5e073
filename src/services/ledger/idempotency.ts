import { createHash } from 'node:crypto';
import type { Database, Queryable, Statement } from '../../stores/database.js';
import { type Caller, requireUserId } from '../caller.js';
import { Refusal } from '../errors.js';
import { parseId } from '../ids.js';

/** One use of a caller's key: by whom, for which operation, with which input. */
export interface IdempotentRequest {
  readonly callerId: string;
  readonly key: string;
  readonly operation: string;
  readonly inputHash: string;
}

const findRecord: Statement = {
  name: 'idempotency-find-record',
  text: `select operation, input_hash as "inputHash", result from idempotency_records where caller_id = $1 and key = $2`,
};

const insertRecord: Statement = {
  name: 'idempotency-insert-record',
  text: `insert into idempotency_records (caller_id, key, operation, input_hash, result, created_at) values ($1, $2, $3, $4, $5, $6)`,
};

const completeRecord: Statement = {
  name: 'idempotency-complete-record',
  text: `update idempotency_records set result = result || $3::jsonb where caller_id = $1 and key = $2 and not result ?& $4::text[]
    returning result`,
};

const forgetRecords: Statement = {
  name: 'idempotency-forget-records',
  text: `delete from idempotency_records where caller_id = $1 and result ->> 'orderId' = $2 and ($3 or key = $4)`,
};

const sweepRecords: Statement = {
  name: 'idempotency-sweep-records',
  text: `delete from idempotency_records where (caller_id, key) in (
    select caller_id, key from idempotency_records where created_at < $1 limit $2) returning 1`,
};

/** SHA-256, in hexadecimal, of the input without its key, fields sorted by name. An id in capitals hashes the same. */
export function hashInput(input: object): string {
  const fields = Object.entries(input)
    .filter(([name, value]) => name !== 'idempotencyKey' && value !== undefined && value !== null)
    .map(([name, value]) => [name, name.endsWith('Id') ? (parseId(value) ?? value) : value])
    .sort(([one], [other]) => (one < other ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(fields)).digest('hex');
}

/** The idempotent request that a caller makes with a mutation's input. */
export function requestOf(caller: Caller, operation: string, input: { readonly idempotencyKey: string }): IdempotentRequest {
  return { callerId: requireUserId(caller), key: input.idempotencyKey, operation, inputHash: hashInput(input) };
}

/**
 * Returns the stored result of the key, or null when the key is unused.
 *
 * @throws IDEMPOTENCY_CONFLICT when it was used with different input
 */
export async function findResult<Result>(database: Queryable, request: IdempotentRequest): Promise<Result | null> {
  const [record] = await database.query<{ operation: string; inputHash: string; result: Result }>(findRecord, [
    request.callerId,
    request.key,
  ]);
  if (!record) return null;
  if (record.operation === request.operation && record.inputHash === request.inputHash) return record.result;
  throw new Refusal({
    code: 'IDEMPOTENCY_CONFLICT',
    message: 'This idempotency key was already used with different input. Use a new key for a new request.',
    path: ['input', 'idempotencyKey'],
  });
}

/** Stores the result, in the transaction that does the work. */
export async function saveResult(tx: Queryable, request: IdempotentRequest, result: object, now: Date): Promise<void> {
  await tx.query(insertRecord, [
    request.callerId,
    request.key,
    request.operation,
    request.inputHash,
    JSON.stringify(result),
    now,
  ]);
}

/**
 * Adds to a stored result what only the first response knows, such as the balance after a payout. The response that is stored
 * first wins, and all others repeat it. Returns the whole result.
 */
export async function completeResult<Addition extends object>(
  database: Queryable,
  request: IdempotentRequest,
  addition: Addition,
): Promise<Addition> {
  const [done] = await database.query<{ result: Addition }>(completeRecord, [
    request.callerId,
    request.key,
    JSON.stringify(addition),
    Object.keys(addition),
  ]);
  return done?.result ?? (await findResult<Addition>(database, request)) ?? addition;
}

/**
 * Frees keys whose requests were refused after their record was written, because failures are not stored: of the keys whose
 * result is the order, all of them or only the one named; null frees none.
 */
export async function forgetResults(
  database: Queryable,
  callerId: string,
  orderId: string,
  keys: 'ALL' | { readonly key: string } | null,
): Promise<void> {
  if (keys) await database.query(forgetRecords, [callerId, orderId, keys === 'ALL', keys === 'ALL' ? null : keys.key]);
}

/** Removes records older than `before`, in batches of `limit`, until none is left or `signal` aborts; returns how many. */
export async function sweepIdempotencyRecords(
  database: Database,
  before: Date,
  limit: number,
  signal?: AbortSignal,
): Promise<number> {
  let removed = 0;
  for (;;) {
    const rows = await database.query(sweepRecords, [before, limit]);
    removed += rows.length;
    if (rows.length < limit || signal?.aborted) return removed;
  }
}
