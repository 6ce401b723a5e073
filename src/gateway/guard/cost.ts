import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLCompositeType,
  GraphQLError,
  type GraphQLField,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isCompositeType,
  isInterfaceType,
  isListType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql';

/** What a list that is not paged is taken to have. */
const LIST_LENGTH = 10;
/** A mutation writes: it weighs as much as a small page. */
const MUTATION_COST = 10;
/** A page larger than any that is served costs no more: it is refused when it is resolved. */
const LARGEST_PAGE = 10_000;

type Variables = Readonly<Record<string, unknown>>;

interface Measured {
  readonly cost: number;
  /** Whether a variable had a part in it. */
  readonly varies: boolean;
}

const fixedCosts = new WeakMap<OperationDefinitionNode, number>();

/**
 * What an operation may cost, before it runs: one for each object that it may give, so the sizes of nested pages multiply. A
 * leaf is free. It is measured once per document, and again only when a variable sets a page's size.
 */
export function costOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Variables = {},
): number {
  const fixed = fixedCosts.get(operation);
  if (fixed !== undefined) return fixed;
  const { cost, varies } = new CostMeter(schema, document, operation, variables).measure();
  if (!varies) fixedCosts.set(operation, cost);
  return cost;
}

/** Refuses an operation that costs more than `limit`. Ends in the code QUERY_TOO_EXPENSIVE. Gives back the cost. */
export function checkCost(limit: number, ...measured: Parameters<typeof costOf>): number {
  const cost = costOf(...measured);
  if (cost <= limit) return cost;
  throw new GraphQLError(`The operation may cost ${cost}; at most ${limit} is served. Ask for smaller pages or fewer of them.`, {
    extensions: { code: 'QUERY_TOO_EXPENSIVE', cost, limit, http: { status: 400 } },
  });
}

class CostMeter {
  private readonly fragments: Map<string, FragmentDefinitionNode>;
  private readonly fragmentCosts = new Map<string, number>();
  private varies = false;

  constructor(
    private readonly schema: GraphQLSchema,
    document: DocumentNode,
    private readonly operation: OperationDefinitionNode,
    private readonly variables: Variables,
  ) {
    const fragments = document.definitions.filter((node) => node.kind === Kind.FRAGMENT_DEFINITION);
    this.fragments = new Map(fragments.map((node) => [node.name.value, node]));
  }

  measure(): Measured {
    const root = this.schema.getRootType(this.operation.operation);
    const cost = root ? this.costOfSelections(this.operation.selectionSet, root, null) : 0;
    return { cost: Math.min(cost, Number.MAX_SAFE_INTEGER), varies: this.varies };
  }

  /** `pageSize`: of the connection whose fields these are; null elsewhere. */
  private costOfSelections(selectionSet: SelectionSetNode, parent: GraphQLCompositeType, pageSize: number | null): number {
    let cost = 0;
    for (const selection of selectionSet.selections) {
      if (selection.kind === Kind.FIELD) cost += this.costOfField(selection, parent, pageSize);
      else if (selection.kind === Kind.FRAGMENT_SPREAD) cost += this.costOfFragment(selection.name.value, pageSize);
      else
        cost += this.costOfSelections(
          selection.selectionSet,
          this.typeOf(selection.typeCondition?.name.value) ?? parent,
          pageSize,
        );
    }
    return cost;
  }

  private costOfFragment(name: string, pageSize: number | null): number {
    const key = `${name} ${pageSize ?? ''}`;
    const known = this.fragmentCosts.get(key);
    if (known !== undefined) return known;
    this.fragmentCosts.set(key, 0);
    const fragment = this.fragments.get(name);
    const type = this.typeOf(fragment?.typeCondition.name.value);
    const cost = fragment && type ? this.costOfSelections(fragment.selectionSet, type, pageSize) : 0;
    this.fragmentCosts.set(key, cost);
    return cost;
  }

  private costOfField(node: FieldNode, parent: GraphQLCompositeType, pageSize: number | null): number {
    const field = isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[node.name.value] : undefined;
    if (!field) return 0;
    const type = getNamedType(field.type);
    const base = parent === this.schema.getMutationType() ? MUTATION_COST : 0;
    if (!isCompositeType(type) || !node.selectionSet) return base;
    const asked = this.sizeAsked(node, field);
    if (!isListType(getNullableType(field.type))) return base + 1 + this.costOfSelections(node.selectionSet, type, asked);
    const length = asked ?? pageSize ?? LIST_LENGTH;
    return base + length * (1 + this.costOfSelections(node.selectionSet, type, null));
  }

  /** How many the field's arguments ask for: by `first`, or by a list of ids. */
  private sizeAsked(node: FieldNode, field: GraphQLField<unknown, unknown>): number | null {
    for (const argument of field.args) {
      const isList = isListType(getNullableType(argument.type));
      if (argument.name !== 'first' && !isList) continue;
      const given = node.arguments?.find(({ name }) => name.value === argument.name);
      const size = given ? this.sizeOf(given.value) : undefined;
      return Math.min(Math.max(size ?? (argument.defaultValue as number | undefined) ?? 0, 0), LARGEST_PAGE);
    }
    return null;
  }

  private sizeOf(value: ValueNode): number | undefined {
    if (value.kind === Kind.INT) return Number(value.value);
    if (value.kind === Kind.LIST) return value.values.length;
    if (value.kind !== Kind.VARIABLE) return undefined;
    this.varies = true;
    const given = this.variables[value.name.value];
    if (typeof given === 'number') return given;
    if (Array.isArray(given)) return given.length;
    const definition = this.operation.variableDefinitions?.find(({ variable }) => variable.name.value === value.name.value);
    return definition?.defaultValue ? this.sizeOf(definition.defaultValue) : undefined;
  }

  private typeOf(name: string | undefined): GraphQLCompositeType | undefined {
    const type = name === undefined ? undefined : this.schema.getType(name);
    return isCompositeType(type) ? type : undefined;
  }
}
