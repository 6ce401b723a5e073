import {
  type ASTNode,
  BREAK,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  GraphQLIncludeDirective,
  type GraphQLObjectType,
  type GraphQLSchema,
  GraphQLSkipDirective,
  getArgumentValues,
  getDirectiveValues,
  getNamedType,
  isAbstractType,
  isNonNullType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  valueFromAST,
  visit,
} from 'graphql';

export type Variables = Readonly<Record<string, unknown>>;

/** A selected field of an object. A list of them is in the order of the response. */
export interface Selected {
  /** Its response key. */
  readonly key: string;
  readonly field: string;
  /** Its arguments, with defaults, once the operation's variables are known. */
  readonly argumentsOf: (variables: Variables) => Readonly<Record<string, unknown>>;
  /** The same when the arguments contain no variable, so that they are known before execution; otherwise null. */
  readonly fixedArguments: Readonly<Record<string, unknown>> | null;
  /** The selection on it; empty for a leaf. */
  readonly selection: readonly Selected[];
}

/**
 * What an operation selects with these variables, field by field, with fragments expanded, conditions evaluated and fields of
 * the same name merged, as in https://spec.graphql.org/October2021/#sec-Field-Collection. Null when that is not known before
 * execution, because a field has an abstract type.
 */
export function lookAhead(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Variables,
): readonly Selected[] | null {
  const root = schema.getRootType(operation.operation);
  return root ? new LookAhead(schema, document, variables).fieldsOf(root, [operation.selectionSet]) : null;
}

/** The variables that decide what is selected, through `@skip` or `@include`. */
export function conditionsOf(document: DocumentNode): readonly string[] {
  const names = new Set<string>();
  visit(document, {
    Directive({ arguments: given = [] }) {
      for (const { value } of given) if (value.kind === Kind.VARIABLE) names.add(value.name.value);
    },
  });
  return [...names];
}

class LookAhead {
  private readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;

  constructor(
    private readonly schema: GraphQLSchema,
    document: DocumentNode,
    private readonly variables: Variables,
  ) {
    const fragments = document.definitions.filter((node) => node.kind === Kind.FRAGMENT_DEFINITION);
    this.fragments = new Map(fragments.map((node) => [node.name.value, node]));
  }

  /** Null when a field's type is abstract. */
  fieldsOf(type: GraphQLObjectType, selectionSets: readonly SelectionSetNode[]): readonly Selected[] | null {
    const nodesOf = new Map<string, FieldNode[]>();
    const seen = new Set<string>();
    for (const selectionSet of selectionSets) this.collect(type, selectionSet, nodesOf, seen);
    const fields: Selected[] = [];
    for (const [key, nodes] of nodesOf) {
      const selected = this.field(type, key, nodes);
      if (!selected) return null;
      fields.push(selected);
    }
    return fields;
  }

  private field(type: GraphQLObjectType, key: string, nodes: readonly FieldNode[]): Selected | null {
    const [node] = nodes as [FieldNode];
    const name = node.name.value;
    const definition = type.getFields()[name];
    if (!definition)
      return name === '__typename' ? { key, field: name, argumentsOf: () => ({}), fixedArguments: {}, selection: [] } : null;
    const named = getNamedType(definition.type);
    const inner = nodes.flatMap(({ selectionSet }) => (selectionSet ? [selectionSet] : []));
    const selection = isObjectType(named) ? this.fieldsOf(named, inner) : inner.length === 0 ? [] : null;
    return selection && { key, field: name, ...argumentsOf(definition, node), selection };
  }

  private collect(
    type: GraphQLObjectType,
    selectionSet: SelectionSetNode,
    nodesOf: Map<string, FieldNode[]>,
    seen: Set<string>,
  ): void {
    for (const selection of selectionSet.selections) {
      if (!this.isIncluded(selection)) continue;
      if (selection.kind === Kind.FIELD) {
        const key = selection.alias?.value ?? selection.name.value;
        const nodes = nodesOf.get(key);
        if (nodes) nodes.push(selection);
        else nodesOf.set(key, [selection]);
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        const condition = selection.typeCondition?.name.value;
        if (this.appliesTo(type, condition)) this.collect(type, selection.selectionSet, nodesOf, seen);
      } else if (!seen.has(selection.name.value)) {
        seen.add(selection.name.value);
        const fragment = this.fragments.get(selection.name.value);
        if (fragment && this.appliesTo(type, fragment.typeCondition.name.value)) {
          this.collect(type, fragment.selectionSet, nodesOf, seen);
        }
      }
    }
  }

  private isIncluded(selection: SelectionNode): boolean {
    if (!selection.directives?.length) return true;
    const variables = this.variables as Record<string, unknown>;
    if (getDirectiveValues(GraphQLSkipDirective, selection, variables)?.if === true) return false;
    return getDirectiveValues(GraphQLIncludeDirective, selection, variables)?.if !== false;
  }

  private appliesTo(type: GraphQLObjectType, condition: string | undefined): boolean {
    if (condition === undefined || condition === type.name) return true;
    const named = this.schema.getType(condition);
    return isAbstractType(named) && this.schema.isSubType(named, type);
  }
}

/** Computed once when the arguments contain no variable. */
function argumentsOf(
  definition: GraphQLField<unknown, unknown>,
  node: FieldNode,
): Pick<Selected, 'argumentsOf' | 'fixedArguments'> {
  if (node.arguments?.some(holdsVariable)) return { argumentsOf: argumentReader(definition, node), fixedArguments: null };
  const fixedArguments = getArgumentValues(definition, node);
  return { argumentsOf: () => fixedArguments, fixedArguments };
}

function holdsVariable(node: ASTNode): boolean {
  let found = false;
  visit(node, {
    Variable() {
      found = true;
      return BREAK;
    },
  });
  return found;
}

/** One argument: its value when it contains no variable, or the variable that it is. */
interface PlainArgument {
  readonly name: string;
  readonly variable: string | null;
  /** Undefined: the argument is omitted when the variable is not given. */
  readonly fixed: unknown;
  readonly isRequired: boolean;
}

/**
 * Arguments as graphql-js computes them, but without calling it in the usual case that each is a plain variable or contains
 * none.
 */
function argumentReader(definition: GraphQLField<unknown, unknown>, node: FieldNode): Selected['argumentsOf'] {
  const byGraphql = (variables: Variables) => getArgumentValues(definition, node, variables as Record<string, unknown>);
  const plain: PlainArgument[] = [];
  for (const { name, type, defaultValue } of definition.args) {
    const value = node.arguments?.find((argument) => argument.name.value === name)?.value;
    const variable = value?.kind === Kind.VARIABLE ? value.name.value : null;
    const fixed = value && variable === null ? valueFromAST(value, type) : defaultValue;
    if (value && variable === null && (fixed === undefined || holdsVariable(value))) return byGraphql;
    plain.push({ name, variable, fixed, isRequired: isNonNullType(type) });
  }
  return (variables) => readPlain(plain, variables) ?? byGraphql(variables);
}

/** Null when a required argument has no value: graphql-js reports that. */
function readPlain(plain: readonly PlainArgument[], variables: Variables): Record<string, unknown> | null {
  const values: Record<string, unknown> = {};
  for (const { name, variable, fixed, isRequired } of plain) {
    const value = variable !== null && Object.hasOwn(variables, variable) ? variables[variable] : fixed;
    if (value !== undefined && !(value === null && isRequired)) values[name] = value;
    else if (isRequired) return null;
  }
  return values;
}
