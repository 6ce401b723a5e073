import fc from 'fast-check';
import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isEnumType,
  isNonNullType,
  isObjectType,
} from 'graphql';

type Draw = fc.GeneratorValue;

export interface RandomOperation {
  readonly query: string;
  readonly operationName?: string;
  readonly variables: Record<string, unknown>;
}

/** Arguments that make sense, by name; a function draws one. */
export type Candidates = Readonly<Record<string, readonly unknown[]>>;

const ALIASES = ['a', 'b', 'c', '__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', '_', 'node'];
const VARIABLES = ['v', 'w', '__proto__', 'constructor', 'toString', 'x1', 'x2', 'x3', 'x4', 'x5'];
const ODD: readonly unknown[] = [null, -1, 1.5, 2 ** 31, '', 'x', '\ud800', [], [null], {}, { __proto__: 1 }, true];

/** Draws documents of the served schema: fragments, conditions, aliases and variables, most of them valid. */
export class OperationDrawer {
  private readonly fragments = new Map<string, { type: string; text: string }>();
  private readonly variables = new Map<string, { type: string; value: unknown; fallback: string }>();
  /** What a name in an answer means, so that fields of one name can be merged. */
  private readonly meanings = new Map<string, string>();
  private budget = 40;

  constructor(
    private readonly draw: Draw,
    private readonly schema: GraphQLSchema,
    private readonly candidates: Candidates,
    private readonly roots: Readonly<Record<'query' | 'mutation' | 'subscription', readonly string[]>>,
  ) {}

  operation(): RandomOperation {
    const kind = this.one(['query', 'query', 'query', 'query', 'query', 'mutation', 'subscription'] as const);
    const root = this.schema.getRootType(kind as never) as GraphQLObjectType;
    const count = kind === 'subscription' ? 1 : 1 + this.upTo(2);
    const fields = Array.from({ length: count }, () => this.rootField(root, this.one(this.roots[kind]), kind !== 'query'));
    const selection = kind === 'query' && this.chance(5) ? `... on ${root.name} { ${fields.join(' ')} }` : fields.join(' ');
    const name = this.chance(3) ? this.one(['Q', '__proto__', 'constructor']) : '';
    const declared = [...this.variables].map(([variable, { type, fallback }]) => `$${variable}: ${type}${fallback}`);
    const head = `${kind} ${name}${declared.length > 0 ? `(${declared.join(', ')})` : ''}`;
    const fragments = [...this.fragments].map(([fragment, { type, text }]) => `fragment ${fragment} on ${type} { ${text} }`);
    return {
      query: [`${head} { ${selection} }`, ...fragments].join(' '),
      ...(name !== '' && this.chance(2) && { operationName: name }),
      variables: this.values(),
    };
  }

  private rootField(root: GraphQLObjectType, name: string, isUnconditional: boolean): string {
    const field = root.getFields()[name] as GraphQLField<unknown, unknown>;
    return this.field(field, 4, isUnconditional);
  }

  private values(): Record<string, unknown> {
    const entries: string[] = [];
    for (const [name, { value }] of this.variables) {
      if (this.chance(12)) continue;
      const given = this.chance(12) ? this.one(ODD) : value;
      entries.push(`${JSON.stringify(name)}:${JSON.stringify(given ?? null)}`);
    }
    // As a client would send it: a key called __proto__ is a key.
    return JSON.parse(`{${entries.join(',')}}`) as Record<string, unknown>;
  }

  private selection(type: GraphQLNamedType, depth: number): string {
    const parts: string[] = [];
    const count = 1 + this.upTo(3);
    for (let index = 0; index < count; index++) parts.push(this.part(type, depth));
    return parts.join(' ');
  }

  private part(type: GraphQLNamedType, depth: number): string {
    this.budget -= 1;
    if (this.budget < 0 || this.chance(8)) return `__typename${this.conditions()}`;
    if (this.chance(6)) return this.inlineFragment(type, depth);
    if (this.chance(6)) return this.spread(type, depth);
    const fields = this.fieldsOf(type).filter((field) => depth > 0 || !this.isComposite(field));
    return fields.length === 0 ? '__typename' : this.field(this.one(fields), depth, false);
  }

  private fieldsOf(type: GraphQLNamedType): GraphQLField<unknown, unknown>[] {
    return isObjectType(type) || (isAbstractType(type) && 'getFields' in type) ? Object.values(type.getFields()) : [];
  }

  private isComposite(field: GraphQLField<unknown, unknown>): boolean {
    const type = getNamedType(field.type);
    return isObjectType(type) || isAbstractType(type);
  }

  private field(field: GraphQLField<unknown, unknown>, depth: number, isUnconditional: boolean): string {
    const text = `${field.name}${this.givenArguments(field)}`;
    const meaning = `${field.name} ${text} ${String(field.type)}`;
    const names = [field.name, ...ALIASES, ...ALIASES.map((alias) => `${alias}${this.meanings.size}`)];
    const first = this.chance(3) ? this.upTo(ALIASES.length) : 0;
    const key = [...names.slice(first), ...names].find((name) => (this.meanings.get(name) ?? meaning) === meaning) as string;
    this.meanings.set(key, meaning);
    const type = getNamedType(field.type);
    const inner = this.isComposite(field) ? ` { ${this.selection(type, depth - 1)} }` : '';
    return `${key === field.name ? '' : `${key}: `}${text}${isUnconditional ? '' : this.conditions()}${inner}`;
  }

  private inlineFragment(type: GraphQLNamedType, depth: number): string {
    const condition = this.chance(2) ? '' : ` on ${this.conditionOf(type)}`;
    const inner = condition === '' ? type : (this.schema.getType(condition.slice(4)) as GraphQLNamedType);
    return `...${condition}${this.conditions()} { ${this.selection(inner, depth)} }`;
  }

  private spread(type: GraphQLNamedType, depth: number): string {
    const fitting = [...this.fragments].filter(([, fragment]) => fragment.type === type.name && fragment.text !== '');
    if (fitting.length > 0 && this.chance(2)) return `...${this.one(fitting)[0]}${this.conditions()}`;
    const names = ['F', 'G', '__proto__', 'constructor', ...Array.from({ length: 30 }, (_, index) => `F${index}`)];
    const name = names.find((each) => !this.fragments.has(each)) as string;
    this.fragments.set(name, { type: type.name, text: '' });
    this.fragments.set(name, { type: type.name, text: this.selection(type, depth) });
    return `...${name}${this.conditions()}`;
  }

  private conditionOf(type: GraphQLNamedType): string {
    if (isAbstractType(type)) return this.one(this.schema.getPossibleTypes(type)).name;
    const interfaces = isObjectType(type) ? type.getInterfaces() : [];
    return this.one([type, ...interfaces]).name;
  }

  private conditions(): string {
    if (!this.chance(7)) return '';
    const value = this.chance(2) ? this.one(['true', 'false']) : `$${this.variable('Boolean!', this.one([true, false]), 'true')}`;
    return ` @${this.one(['skip', 'include'])}(if: ${value})`;
  }

  private givenArguments(field: GraphQLField<unknown, unknown>): string {
    const given = field.args.flatMap((argument) => {
      if (!isNonNullType(argument.type) && this.chance(2)) return [];
      return [`${argument.name}: ${this.argument(field, argument)}`];
    });
    return given.length > 0 ? `(${given.join(', ')})` : '';
  }

  private argument(field: GraphQLField<unknown, unknown>, argument: GraphQLArgument): string {
    const named = getNamedType(argument.type);
    const choices = isEnumType(named)
      ? named.getValues().map(({ name }) => name)
      : (this.candidates[`${field.name}.${argument.name}`] ?? this.candidates[argument.name] ?? [null]);
    const value = this.one(choices);
    if (argument.name === 'input' || this.chance(3)) {
      return `$${this.variable(String(argument.type), value, isEnumType(named) ? String(value) : JSON.stringify(value))}`;
    }
    return isEnumType(named) ? String(value) : JSON.stringify(value);
  }

  private variable(type: string, value: unknown, literal: string): string {
    const same = [...this.variables].find(([, known]) => known.type === type);
    if (same && this.chance(2)) return same[0];
    const name = VARIABLES.find((each) => !this.variables.has(each)) ?? `y${this.variables.size}`;
    const fallback =
      !literal.startsWith('{') && !literal.includes('"') && literal !== 'null' && this.chance(3) ? ` = ${literal}` : '';
    this.variables.set(name, { type, value, fallback });
    return name;
  }

  private upTo(max: number): number {
    return this.draw(fc.nat, { max });
  }

  private chance(oneIn: number): boolean {
    return this.upTo(oneIn - 1) === 0;
  }

  private one<Item>(items: readonly Item[]): Item {
    return items[this.upTo(items.length - 1)] as Item;
  }
}
