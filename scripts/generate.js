// Generates src/resolvers/generated/schema-types.ts from schema.graphql (npm run generate). With --check it only compares, for CI.
import { readFileSync, writeFileSync } from 'node:fs';
import {
  buildASTSchema,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  isScalarType,
  isSpecifiedScalarType,
  parse,
} from 'graphql';

const OUTPUT = new URL('../src/resolvers/generated/schema-types.ts', import.meta.url);
const CONTRACT = new URL('../schema.graphql', import.meta.url);

/** The TypeScript type of a scalar's value, as resolvers receive it in arguments. */
const VALUE_TYPES = {
  ID: 'string',
  String: 'string',
  Int: 'number',
  Float: 'number',
  Boolean: 'boolean',
  DateTime: 'Date',
  MinorUnits: 'number',
};
/** Used by directives only. */
const OMITTED = new Set(['Role']);
/** type-graphql calls the live root `Subscription`, so the plan's class needs another name until both are renamed. */
const TYPE_GRAPHQL_NAMES = { Subscription: 'SubscriptionPlan' };

const schema = buildASTSchema(parse(readFileSync(CONTRACT, 'utf8')));
const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
const types = Object.values(schema.getTypeMap()).filter(({ name }) => !name.startsWith('__') && !OMITTED.has(name));

const typeGraphqlImports = new Set();
const scalarImports = new Set();

const use = (name) => {
  typeGraphqlImports.add(name);
  return name;
};

/** What `@Field(() => …)` returns for a type. */
function typeReference(type) {
  const nullable = getNullableType(type);
  if (isListType(nullable)) return `[${typeReference(nullable.ofType)}]`;
  if (isEnumType(nullable)) return `${nullable.name}Enum`;
  if (isInputObjectType(nullable)) return nullable.name;
  if (!isScalarType(nullable)) return `${nullable.name}Type`;
  if (nullable.name === 'ID' || nullable.name === 'Int' || nullable.name === 'Float') return use(nullable.name);
  if (isSpecifiedScalarType(nullable)) return nullable.name;
  scalarImports.add(`${nullable.name}Scalar`);
  return `${nullable.name}Scalar`;
}

/** The second argument of `@Field`, where one is needed. */
function fieldOptions(type, defaultValue) {
  const nullable = getNullableType(type);
  const isNullableItem = isListType(nullable) && !isNonNullType(nullable.ofType);
  const options = [];
  if (isNullableItem) options.push(`nullable: '${isNonNullType(type) ? 'items' : 'itemsAndList'}'`);
  else if (!isNonNullType(type)) options.push('nullable: true');
  if (defaultValue !== undefined) options.push(`defaultValue: ${JSON.stringify(defaultValue)}`);
  return options.length > 0 ? `, { ${options.join(', ')} }` : '';
}

/** The TypeScript type of an input's value. */
function valueType(type) {
  const nullable = getNullableType(type);
  if (isListType(nullable)) return `${valueType(nullable.ofType)}[]`;
  if (isEnumType(nullable)) return `${nullable.name}Value`;
  if (isInputObjectType(nullable)) return nullable.name;
  return VALUE_TYPES[nullable.name] ?? 'string';
}

/** A field with a default always has a value. Clients can still send an explicit null, which the services reject at run time. */
function inputField({ name, type, defaultValue }) {
  const isAlwaysPresent = isNonNullType(type) || (defaultValue !== undefined && defaultValue !== null);
  const declared = isAlwaysPresent ? `${name}!: ${valueType(type)}` : `${name}?: ${valueType(type)} | null`;
  return `  @${use('Field')}(() => ${typeReference(type)}${fieldOptions(type, defaultValue)})\n  ${declared};`;
}

/** Services return rows, not instances of these classes, so the properties have no specific type. */
const outputField = ({ name, type }) =>
  `  @${use('Field')}(() => ${typeReference(type)}${fieldOptions(type)})\n  ${name}!: unknown;`;

const classOf = (head, name, fields) => `${head}\nexport ${name} {\n${fields.join('\n\n')}\n}`.replace('{\n\n}', '{}');

function enumOf(type) {
  const names = type.getValues().map(({ name }) => name);
  return [
    `export const ${type.name}Enum = { ${names.map((name) => `${name}: '${name}'`).join(', ')} } as const;`,
    `export type ${type.name}Value = keyof typeof ${type.name}Enum;`,
    `${use('registerEnumType')}(${type.name}Enum, { name: '${type.name}' });`,
  ].join('\n');
}

const interfaceOf = (type) =>
  classOf(
    `@${use('InterfaceType')}('${type.name}')`,
    `abstract class ${type.name}Type`,
    Object.values(type.getFields()).map(outputField),
  );

function objectOf(type) {
  const [parent] = type.getInterfaces();
  const inherited = parent ? Object.keys(parent.getFields()) : [];
  const fields = Object.values(type.getFields()).filter(({ name }) => !inherited.includes(name));
  const options = ['simpleResolvers: true', ...(parent ? [`implements: ${parent.name}Type`] : [])];
  const head = `@${use('ObjectType')}('${TYPE_GRAPHQL_NAMES[type.name] ?? type.name}', { ${options.join(', ')} })`;
  return classOf(head, `class ${type.name}Type${parent ? ` extends ${parent.name}Type` : ''}`, fields.map(outputField));
}

const inputOf = (type) =>
  classOf(`@${use('InputType')}()`, `class ${type.name}`, Object.values(type.getFields()).map(inputField));

/** The arguments of one field, named after it: `Account.grants` has `AccountGrantsArgs`. */
function argumentsOf(type) {
  const fields = Object.values(type.getFields()).filter(({ args }) => args.length > 0);
  return fields.map(({ name, args }) =>
    classOf(`@${use('ArgsType')}()`, `class ${type.name}${name[0].toUpperCase()}${name.slice(1)}Args`, args.map(inputField)),
  );
}

function generate() {
  const objects = types.filter((type) => isObjectType(type) && !roots.includes(type));
  const parts = [
    ...types.filter(isEnumType).map(enumOf),
    ...types.filter(isInterfaceType).map(interfaceOf),
    ...objects.map(objectOf),
    ...types.filter(isInputObjectType).map(inputOf),
    ...[...roots.filter(Boolean), ...objects].flatMap(argumentsOf),
  ];
  const imports = [
    `import { ${[...typeGraphqlImports].sort().join(', ')} } from 'type-graphql';`,
    `import { ${[...scalarImports].sort().join(', ')} } from '../scalars.js';`,
  ];
  const head = '// Generated from schema.graphql by `npm run generate`. Do not edit.';
  return `${[head, ...imports, ...parts].join('\n\n').replace("';\n\nimport", "';\nimport")}\n`;
}

const text = generate();
if (process.argv.includes('--check')) {
  if (readFileSync(OUTPUT, 'utf8') !== text) {
    console.error('src/resolvers/generated/schema-types.ts does not match schema.graphql. Run npm run generate.');
    process.exit(1);
  }
} else {
  writeFileSync(OUTPUT, text);
}
