import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLCompositeType,
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
import type { Limits } from '../../config/limits.js';
import type { Caller } from '../../services/caller.js';
import { AS_ASKED, leafCost, listLength, resolverCost, SIZE_ARGUMENTS } from './cost-table.js';
import { IntrospectionCosts, isIntrospection } from './introspection-cost.js';

/** A mutation writes, so it costs as much as a small page. */
const MUTATION_COST = 10;
/** Larger pages cost no more: they are rejected when they are resolved. */
const MAX_PAGE_SIZE = 10_000;

type Variables = Readonly<Record<string, unknown>>;

export interface MeasuredCost {
  readonly cost: number;
  /** The variables that affect it. */
  readonly sizeVariables: readonly string[];
}

/**
 * What operations may cost, before they run: 1 for each object and each leaf that may be in the answer, more for long texts and for
 * fields with a resolver of their own, so the sizes of nested pages multiply. It is the worst case: pages are full, lists as long as
 * they get, what a directive may skip is there, and each type that a fragment names may come. An alias or a fragment that is spread again counts again.
 */
export class OperationCosts {
  private readonly introspection: IntrospectionCosts;

  constructor(
    private readonly schema: GraphQLSchema,
    private readonly limits: Limits,
  ) {
    this.introspection = new IntrospectionCosts(schema, limits.queryCostMaximumCount);
  }

  /** The work is proportional to the document. */
  measure(document: DocumentNode, operation: OperationDefinitionNode, variables: Variables = {}): MeasuredCost {
    const meter = new CostMeter(this.schema, this.limits, this.introspection, document, operation, variables);
    return { cost: meter.measure(), sizeVariables: [...meter.sizeVariables] };
  }

  /** The same without introspection, whose usual query is long. */
  withoutIntrospection(document: DocumentNode, operation: OperationDefinitionNode, variables: Variables): number {
    return new CostMeter(this.schema, this.limits, null, document, operation, variables).measure();
  }
}

/** The maximum cost for a caller. It is lower without a token, where a client can use any number of addresses. */
export function costLimitOf({ userId }: Caller, limits: Limits): number {
  const { queryCostMaximumCount, queryCostAnonymousMaximumCount } = limits;
  return userId === null ? Math.min(queryCostAnonymousMaximumCount, queryCostMaximumCount) : queryCostMaximumCount;
}

/** The sizes in these variables: operations with equal sizes cost the same. */
export const sizesKey = (names: readonly string[], variables: Variables): string =>
  names.map((name) => sizeGiven(variables, name) ?? '').join();

/** The size in a variable: its number, or the length of its list. Undefined if it is not given. */
function sizeGiven(variables: Variables, name: string): number | undefined {
  const given = Object.hasOwn(variables, name) ? variables[name] : undefined;
  if (typeof given === 'number') return given;
  if (Array.isArray(given)) return given.length;
  // One value where a list is expected is a list of one: https://spec.graphql.org/October2021/#sec-List.Input-Coercion
  return given === null || given === undefined ? undefined : 1;
}

/** Keeps sums and products of large documents exact, and avoids `0 × ∞`. */
const bounded = (cost: number): number => Math.min(cost, Number.MAX_SAFE_INTEGER);

class CostMeter {
  /** Variables that affect the cost. */
  readonly sizeVariables = new Set<string>();
  private readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  private readonly fragmentCosts = new Map<string, number>();

  constructor(
    private readonly schema: GraphQLSchema,
    private readonly limits: Limits,
    /** Null: introspection is not counted. */
    private readonly introspection: IntrospectionCosts | null,
    document: DocumentNode,
    private readonly operation: OperationDefinitionNode,
    private readonly variables: Variables,
  ) {
    const fragments = document.definitions.filter((node) => node.kind === Kind.FRAGMENT_DEFINITION);
    this.fragments = new Map(fragments.map((node) => [node.name.value, node]));
  }

  measure(): number {
    const root = this.schema.getRootType(this.operation.operation);
    return root ? this.costOfSelections(this.operation.selectionSet, root, null) : 0;
  }

  /** `asked`: the size requested from the field that these selections belong to; null if it has no such argument. */
  private costOfSelections(selectionSet: SelectionSetNode, parent: GraphQLCompositeType, asked: number | null): number {
    let cost = 0;
    for (const selection of selectionSet.selections) {
      if (selection.kind === Kind.FIELD) cost += this.costOfField(selection, parent, asked);
      else if (selection.kind === Kind.FRAGMENT_SPREAD) cost += this.costOfFragment(selection.name.value, asked);
      else {
        const type = this.typeOf(selection.typeCondition?.name.value) ?? parent;
        cost += this.costOfSelections(selection.selectionSet, type, asked);
      }
    }
    return bounded(cost);
  }

  /** Each fragment is measured once, however often it is spread; a fragment within itself counts as nothing. */
  private costOfFragment(name: string, asked: number | null): number {
    const key = `${name} ${asked ?? ''}`;
    const known = this.fragmentCosts.get(key);
    if (known !== undefined) return known;
    this.fragmentCosts.set(key, 0);
    const fragment = this.fragments.get(name);
    const type = this.typeOf(fragment?.typeCondition.name.value);
    const cost = fragment && type ? this.costOfSelections(fragment.selectionSet, type, asked) : 0;
    this.fragmentCosts.set(key, cost);
    return cost;
  }

  private costOfField(node: FieldNode, parent: GraphQLCompositeType, asked: number | null): number {
    const name = node.name.value;
    if (name === '__typename') return 1;
    if (isIntrospection(name)) return this.introspection?.of(node, this.fragments) ?? 0;
    const field = isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[name] : undefined;
    if (!field) return 0;
    const base = this.baseCost(parent, field);
    const type = getNamedType(field.type);
    const size = this.sizeAsked(node, parent.name, field);
    const each =
      isCompositeType(type) && node.selectionSet
        ? 1 + this.costOfSelections(node.selectionSet, type, isListType(getNullableType(field.type)) ? null : size)
        : leafCost(parent.name, field, this.limits);
    return bounded(base + this.lengthOf(parent.name, field, size, asked) * each);
  }

  private baseCost(parent: GraphQLCompositeType, field: GraphQLField<unknown, unknown>): number {
    if (parent === this.schema.getMutationType()) return MUTATION_COST;
    return parent === this.schema.getRootType(this.operation.operation) ? 0 : resolverCost(field);
  }

  /** The number of values of a field: 1 unless it is a list. */
  private lengthOf(typeName: string, { name, type }: GraphQLField<unknown, unknown>, size: number | null, asked: number | null) {
    if (!isListType(getNullableType(type))) return 1;
    if (size !== null) return size;
    const length = listLength(typeName, name);
    return length === AS_ASKED ? (asked ?? this.limits.pageMaximumCount) : length;
  }

  /** The size requested by the field's arguments: by `first`, or by a list with one element for each item. */
  private sizeAsked(node: FieldNode, typeName: string, field: GraphQLField<unknown, unknown>): number | null {
    const sizeArgument = SIZE_ARGUMENTS[`${typeName}.${field.name}`] ?? 'first';
    const argument = field.args.find(({ name }) => name === sizeArgument);
    if (!argument) return null;
    const given = node.arguments?.find(({ name }) => name.value === sizeArgument);
    const size = (given ? this.sizeOf(given.value) : undefined) ?? (argument.defaultValue as number | undefined) ?? 0;
    return Math.min(Math.max(size, 0), MAX_PAGE_SIZE);
  }

  private sizeOf(value: ValueNode): number | undefined {
    if (value.kind === Kind.NULL) return undefined;
    if (value.kind === Kind.INT) return Number(value.value);
    if (value.kind === Kind.LIST) return value.values.length;
    // One value where a list is expected is a list of one: https://spec.graphql.org/October2021/#sec-List.Input-Coercion
    if (value.kind !== Kind.VARIABLE) return 1;
    const name = value.name.value;
    this.sizeVariables.add(name);
    const given = sizeGiven(this.variables, name);
    if (given !== undefined) return given;
    const definition = this.operation.variableDefinitions?.find(({ variable }) => variable.name.value === name);
    return definition?.defaultValue ? this.sizeOf(definition.defaultValue) : undefined;
  }

  private typeOf(name: string | undefined): GraphQLCompositeType | undefined {
    const type = name === undefined ? undefined : this.schema.getType(name);
    return isCompositeType(type) ? type : undefined;
  }
}
