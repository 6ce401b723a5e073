import {
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isObjectType,
  Kind,
  type SelectionSetNode,
} from 'graphql';
import { textCost } from './cost-table.js';

type Fragments = ReadonlyMap<string, FragmentDefinitionNode>;

export const isIntrospection = (fieldName: string): boolean => fieldName === '__schema' || fieldName === '__type';

/**
 * The cost of introspection: 1 for each object and each leaf in the response. The response is known in advance, so it is counted
 * exactly. Estimated list lengths would either reject the usual introspection query or allow a nested variant of it.
 */
export class IntrospectionCosts {
  constructor(
    private readonly schema: GraphQLSchema,
    /** Counting stops here: anything more expensive is rejected. */
    private readonly limit: number,
  ) {}

  /** The cost of a field `__schema` or `__type`. A type counts as the most expensive one: a variable may name it. */
  of(node: FieldNode, fragments: Fragments): number {
    if (!node.selectionSet) return 0;
    const count = new Count(this.schema, fragments, this.limit);
    const [typeName, sources] =
      node.name.value === '__schema' ? ['__Schema', [this.schema]] : ['__Type', Object.values(this.schema.getTypeMap())];
    const type = this.schema.getType(typeName) as GraphQLObjectType;
    let most = 0;
    for (const source of sources) most = Math.max(most, 1 + count.ofSelections(node.selectionSet, type, source));
    return most;
  }
}

class Count {
  private readonly known = new Map<SelectionSetNode, Map<unknown, number>>();
  private work = 0;

  constructor(
    private readonly schema: GraphQLSchema,
    private readonly fragments: Fragments,
    private readonly limit: number,
  ) {}

  ofSelections(selectionSet: SelectionSetNode, type: GraphQLObjectType, source: unknown): number {
    const known = this.known.get(selectionSet) ?? new Map<unknown, number>();
    this.known.set(selectionSet, known);
    const before = known.get(source);
    if (before !== undefined) return before;
    known.set(source, 0);
    let cost = 0;
    for (const selection of selectionSet.selections) {
      if (selection.kind === Kind.FIELD) cost += this.ofField(selection, type, source);
      else {
        const inner = selection.kind === Kind.INLINE_FRAGMENT ? selection : this.fragments.get(selection.name.value);
        if (inner) cost += this.ofSelections(inner.selectionSet, type, source);
      }
    }
    cost = Math.min(cost, Number.MAX_SAFE_INTEGER);
    known.set(source, cost);
    return cost;
  }

  private ofField(node: FieldNode, type: GraphQLObjectType, source: unknown): number {
    const field = type.getFields()[node.name.value];
    if (!field) return 1;
    // The work never exceeds the cost, so a query that takes long is also too expensive.
    this.work += 1;
    if (this.work > this.limit) return Number.MAX_SAFE_INTEGER;
    const resolve = field.resolve as (source: unknown, args: object, context: null, info: object) => unknown;
    const value = resolve(source, { includeDeprecated: true }, null, { schema: this.schema });
    const valueType = getNamedType(field.type);
    const costOf = (item: unknown): number => {
      if (isObjectType(valueType) && node.selectionSet && typeof item === 'object' && item !== null)
        return 1 + this.ofSelections(node.selectionSet, valueType, item);
      return typeof item === 'string' ? textCost(item.length) : 1;
    };
    if (!Array.isArray(value)) return costOf(value);
    return value.reduce((sum: number, item) => sum + costOf(item), 0);
  }
}
