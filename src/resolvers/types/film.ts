import { Field, ObjectType } from 'type-graphql';
import { AccessDecisionType } from './access.js';
import { connectionOf } from './connection.js';
import { NodeType } from './node.js';

/** A title that can be watched. */
@ObjectType('Film', { simpleResolvers: true, implements: NodeType })
export class FilmType extends NodeType {
  @Field(() => String)
  title!: string;

  @Field(() => String, { nullable: true })
  description!: string | null;

  @Field(() => AccessDecisionType)
  access!: unknown;
}

export const FilmConnectionType = connectionOf('Film', () => FilmType);
