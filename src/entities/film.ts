import { Check, Entity, Index, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';

/** A film that can be watched. */
@Entity({ tableName: 'films' })
@Index({ name: 'films_by_title', properties: ['title', 'id'] })
@Check({ name: 'films_title_length', expression: 'length(title) >= 1 and length(title) <= 300' })
export class Film {
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Property({ type: 'text' })
  title!: string;

  @Property({ type: 'text', nullable: true })
  description!: string | null;

  @Property({ type: 'timestamptz', length: 3 })
  createdAt!: Date;

  @Property({ type: 'timestamptz', length: 3 })
  updatedAt!: Date;
}
