import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { buildSchema, getVariableValues, type OperationDefinitionNode, parse } from 'graphql';
import { createVariableReader } from '../../src/gateway/graphql/variable-reader.js';

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
  ['an input object', '$input: Inner', { input: { needed: 'x', kind: 'TWO', list: [1] } }],
  ['a variable left to its default', '$first: Int = 3', {}],
])('%s is read without graphql-js', (_what, declared, given) => {
  const { definitions } = parse(`query (${declared}) { nothing }`);
  const read = createVariableReader(schema, (definitions[0] as OperationDefinitionNode).variableDefinitions ?? []);
  expect(read(given)).not.toBeNull();
});
