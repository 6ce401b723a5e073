import { Field, ID, InterfaceType } from 'type-graphql';

/** A thing with an id of its own, found again by `node(id)`. */
@InterfaceType('Node')
export abstract class NodeType {
  @Field(() => ID)
  id!: string;
}
