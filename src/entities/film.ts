import { Check, Entity, Index } from '@mikro-orm/decorators/legacy';
import { Id, Instant, Text } from './column-types.js';

/** A film that can be watched. */
@Entity({ tableName: 'films' })
@Index({ name: 'films_by_title', properties: ['title', 'id'] })
@Check({ name: 'films_title_length', expression: 'length(title) >= 1 and length(title) <= 300' })
export class Film {
  @Id() id!: string;
  @Text() title!: string;
  @Text({ nullable: true }) description!: string | null;
  @Instant() createdAt!: Date;
  @Instant() updatedAt!: Date;
}
