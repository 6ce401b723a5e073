import { PrimaryKeyProp } from '@mikro-orm/core';
import { Entity, Index, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Instant, Text } from './column-types.js';

/** The result of a request with an idempotency key, written in the transaction of the change. */
@Entity({ tableName: 'idempotency_records' })
@Index({
  name: 'idempotency_records_by_time',
  expression: 'create index "idempotency_records_by_time" on "idempotency_records" using brin ("created_at")',
})
export class IdempotencyRecord {
  [PrimaryKeyProp]?: ['callerId', 'key'];

  /** Who used the key: a viewer or an admin. */
  @PrimaryKey({ type: 'uuid' }) callerId!: string;
  @PrimaryKey({ type: 'text' }) key!: string;
  @Text() operation!: string;
  /** SHA-256 of the input in canonical form, hexadecimal. */
  @Text() inputHash!: string;
  /** The result to replay: ids, and the balance as it was then. */
  @Property({ type: 'jsonb' }) result!: unknown;
  @Instant() createdAt!: Date;
}
