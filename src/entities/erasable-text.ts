import { PrimaryKeyProp } from '@mikro-orm/core';
import { Check, Entity, Index, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Text } from './column-types.js';

/**
 * What a person wrote, such as a reason, and what an admin's change looked like before and after. Rows refer to it by its digest, SHA-256 of
 * a random salt and the text, and only the digest is hashed into the journal: the text can be erased, and every hash stays valid.
 */
@Entity({ tableName: 'erasable_texts' })
@Index({ name: 'erasable_texts_by_digest', properties: ['digest'] })
@Check({ name: 'erasable_texts_erased', expression: '(text is null) = (salt is null)' })
export class ErasableText {
  [PrimaryKeyProp]?: ['userId', 'digest'];
  /** The viewer whom it is about; the admin who wrote it, if it is about none. */
  @PrimaryKey({ type: 'uuid' }) userId!: string;
  @PrimaryKey({ type: 'blob' }) digest!: Buffer;
  @Property({ type: 'blob', nullable: true }) salt!: Buffer | null;
  /** JSON: `reason`, `before` and `after`, as far as there are any. */
  @Text({ nullable: true }) text!: string | null;
}
