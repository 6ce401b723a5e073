import { type ClassType, Field, ObjectType } from 'type-graphql';

/** Where a page stands: https://relay.dev/graphql/connections.htm#sec-undefined.PageInfo */
@ObjectType('PageInfo', { simpleResolvers: true })
class PageInfoType {
  @Field(() => Boolean)
  hasNextPage!: boolean;

  @Field(() => Boolean)
  hasPreviousPage!: boolean;

  @Field(() => String, { nullable: true })
  startCursor!: string | null;

  @Field(() => String, { nullable: true })
  endCursor!: string | null;
}

/** The edge and connection types of a node, named after it. Rows come as `Page` of the services. */
export function connectionOf(name: string, node: () => ClassType): ClassType {
  @ObjectType(`${name}Edge`, { simpleResolvers: true })
  class Edge {
    @Field(() => String)
    cursor!: string;

    @Field(node)
    node!: unknown;
  }

  @ObjectType(`${name}Connection`, { simpleResolvers: true })
  class Connection {
    @Field(() => [Edge])
    edges!: unknown;

    @Field(() => [node()])
    nodes!: unknown;

    @Field(() => PageInfoType)
    pageInfo!: PageInfoType;
  }
  return Connection;
}
