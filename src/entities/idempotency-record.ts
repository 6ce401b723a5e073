import { PrimaryKeyProp } from '@mikro-orm/core';
import { Entity, Index, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';

/** The result of a request with an idempotency key, written in the transaction of the change. */
@Entity({ tableName: 'idempotency_records' })
@Index({
  name: 'idempotency_records_by_time',
  expression: 'create index "idempotency_records_by_time" on "idempotency_records" using brin ("created_at")',
})
export class IdempotencyRecord {
  [PrimaryKeyProp]?: ['callerId', 'key'];

  /** Who used the key: a viewer or an admin. */
  @PrimaryKey({ type: 'uuid' })
  callerId!: string;

  @PrimaryKey({ type: 'text' })
  key!: string;

  @Property({ type: 'text' })
  operation!: string;

  /** SHA-256 of the input in canonical form, hexadecimal. */
  @Property({ type: 'text' })
  inputHash!: string;

  /** The result to replay: ids, and the balance as it was then. */
  @Property({ type: 'jsonb' })
  result!: unknown;

  @Property({ type: 'timestamptz', length: 3 })
  createdAt!: Date;
}
