import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  buildSchema,
  type FieldNode,
  type GraphQLField,
  getArgumentValues,
  getVariableValues,
  type OperationDefinitionNode,
  parse,
} from 'graphql';
import { createVariableReader } from '../../src/gateway/graphql/variable-reader.js';
import { lookAhead } from '../../src/resolvers/page-query/look-ahead.js';

const schema = buildSchema(/* GraphQL */ `
  enum Kind { ONE TWO }
  input Inner { kind: Kind = ONE, list: [Int!], again: Inner, needed: String! }
  input Choice @oneOf { left: Int, right: String }
  type Query { nothing(id: ID, float: Float, kind: Kind, inner: Inner, choice: Choice): String }
`);

const TYPES = [
  ...['ID', 'ID!', 'Int', 'Float', 'Boolean!', 'String', 'Kind', 'Kind!', 'Inner', 'Inner!', 'Choice'],
  ...[
    '[ID!]!',
    '[[Int]]',
    '[Inner!]',
    '[Kind]',
    'Int = 3',
    'Kind = TWO',
    '[Int] = 4',
    'Inner = { needed: "x" }',
    'String = null',
  ],
];
const NAMES = ['v', 'w', '__proto__', 'constructor'];

const leaf = fc.oneof(
  fc.constantFrom<unknown>(null, 0, 1, -1, 1.5, 2 ** 31, true, false, '', 'x', 'ONE', 'TWO', 'constructor'),
  fc.string({ maxLength: 3 }),
);
const { value: json } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('kind', 'list', 'again', 'needed', 'left', 'right', 'other', '__proto__'), tie('value'), {
      maxKeys: 4,
    }),
  ),
}));

test('variables that are read without graphql-js have the values that graphql-js gives them, and faulty ones are left to it', () => {
  let readCount = 0;
  let refusedCount = 0;
  fc.assert(
    fc.property(
      fc.array(fc.record({ type: fc.constantFrom(...TYPES), given: fc.option(json, { nil: undefined }) }), {
        maxLength: NAMES.length,
      }),
      (variables) => {
        const declared = variables.map(({ type }, index) => `$${NAMES[index]}: ${type}`).join(' ');
        const { definitions } = parse(`query ${declared && `(${declared})`} { nothing }`);
        const nodes = (definitions[0] as OperationDefinitionNode).variableDefinitions ?? [];
        const entries = variables.flatMap(({ given }, index) =>
          given === undefined ? [] : [`${JSON.stringify(NAMES[index])}:${JSON.stringify(given)}`],
        );
        const given = JSON.parse(`{${entries.join()}}`) as Record<string, unknown>;
        const { coerced } = getVariableValues(schema, nodes, given);
        const read = createVariableReader(schema, nodes)(given);
        if (read) expect(read).toEqual(coerced);
        if (read) expect(Object.entries(read)).toEqual(Object.entries(coerced as object));
        if (read) readCount += 1;
        if (!coerced) refusedCount += 1;
      },
    ),
    { numRuns: 3_000 },
  );
  expect(readCount).toBeGreaterThan(500);
  expect(refusedCount).toBeGreaterThan(500);
});

test.each([
  ['a list of ids', '$ids: [ID!]!', { ids: ['a', 'b'] }],
  ['a variable left to its default', '$first: Int = 3', {}],
])('%s is read without graphql-js', (_what, declared, given) => {
  const { definitions } = parse(`query (${declared}) { nothing }`);
  const read = createVariableReader(schema, (definitions[0] as OperationDefinitionNode).variableDefinitions ?? []);
  expect(read(given)).not.toBeNull();
});

test('Input objects are left to graphql-js', () => {
  const { definitions } = parse('query ($input: Inner) { nothing }');
  const read = createVariableReader(schema, (definitions[0] as OperationDefinitionNode).variableDefinitions ?? []);
  expect(read({ input: { needed: 'x', kind: 'TWO', list: [1] } })).toBeNull();
});

const fieldSchema = buildSchema(/* GraphQL */ `
  input Inner { a: Int, b: [Int] }
  type Query { field(list: [Int], inner: Inner, count: Int = 3, needed: Int!): String }
`);

test.each<[what: string, given: string, variables: Record<string, unknown>]>([
  ['a variable in a list', 'list: [$v, 2], needed: 1', { v: 1 }],
  ['a variable in a list that is not given', 'list: [$v, 2], needed: 1', {}],
  ['a variable in an input object', 'inner: { a: $v, b: [$v] }, needed: $v', { v: 1 }],
  ['a variable in an input object that is not given', 'inner: { a: $v }, needed: 1', {}],
  ['a variable alone', 'needed: $v, count: $v', { v: 1 }],
  ['a variable where there is a default, not given', 'needed: 1, count: $v', {}],
  ['null where there is a default', 'needed: $v, count: $w', { v: 1, w: null }],
  ['null where a value is required', 'needed: $v', { v: null }],
  ['a required variable that is not given', 'needed: $v', {}],
  ['one value for a list beside a variable', 'list: 4, needed: $v', { v: 1 }],
])('arguments with %s are those of graphql-js', (_what, given, variables) => {
  const document = parse(`query ($v: Int, $w: Int) { field(${given}) }`);
  const operation = document.definitions[0] as OperationDefinitionNode;
  const [selected] = lookAhead(fieldSchema, document, operation, variables) ?? [];
  const definition = fieldSchema.getQueryType()?.getFields().field as GraphQLField<unknown, unknown>;
  const outcome = (read: () => unknown) => {
    try {
      return read();
    } catch (error) {
      return (error as Error).message;
    }
  };
  expect(outcome(() => selected?.argumentsOf(variables))).toEqual(
    outcome(() => getArgumentValues(definition, operation.selectionSet.selections[0] as FieldNode, variables)),
  );
});
