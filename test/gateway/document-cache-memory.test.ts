import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from '@jest/globals';
import { composeSchema } from '../../src/gateway/graphql/schema.js';
import { ContentTypes } from '../../src/gateway/http/graphql-endpoint.js';
import { preparedOperations } from './run-prepared.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function heapUsed(): number {
  collectGarbage();
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

const names = (count: number, prefix: string) => Array.from({ length: count }, (_, i) => `${prefix}${i}: userId`).join(' ');
/** Documents of some 6 KB that differ, as anyone may generate them. */
const shapes: [what: string, document: (index: number) => string][] = [
  ['of many fields', (index) => `{ me { ${names(390, `a${index}_`)} } }`],
  ['of the shortest fields', (index) => `{ me { a${index}: userId ${'__typename '.repeat(300)} ${names(300, 'b')} } }`],
  ['of long names', (index) => `{ me { ${`a${index}`.padEnd(3_000, 'x')}: userId ${'b'.padEnd(3_000, 'y')}: userId } }`],
  [
    'of arguments and directives',
    (index) =>
      `{ me { a${index}: userId ${Array.from({ length: 60 }, (_, i) => `g${i}: grants(first: ${i}, after: "${i}", status: ACTIVE) @skip(if: false) { nodes { id } }`).join(' ')} } }`,
  ],
];

const VARIABLES = Array.from({ length: 80 }, (_, i) => `v${i}`);
const manyVariables = (index: number) =>
  `mutation V${index}(${VARIABLES.map((name) => `$${name}: TopUpInput!`).join(' ')}) {
    ${VARIABLES.map((name) => `${name}: topUp(input: $${name}) { errors { code } }`).join(' ')} }`;
const valuesOfAll = Object.fromEntries(
  VARIABLES.map((name) => [name, { amount: 1, currency: 'USD', idempotencyKey: 'key-of-a-test' }]),
);

describe('documents that anyone may send without end', () => {
  test.each(shapes)('%s: 60 of them retain no more heap than the cache may take', async (_what, document) => {
    const schema = await composeSchema();
    const limitBytes = 1_024 * 1_024;
    const operations = preparedOperations(schema, limitBytes);
    operations.prepare(document(1_000));
    const before = heapUsed();
    for (let index = 0; index < 60; index++) operations.prepare(document(index));
    const retained = heapUsed() - before;
    expect(operations.keptBytes).toBeLessThanOrEqual(limitBytes);
    expect(operations.keptBytes).toBeGreaterThan(limitBytes / 2);
    // What else the heap gained or lost meanwhile is noise.
    expect(retained).toBeLessThanOrEqual(limitBytes + 200 * 1_024);
    // Held until here, so that nothing of it could be collected before it was measured.
    expect(operations.prepare(document(59))).toBeDefined();
  });

  test('of many variables: 60 of them retain no more heap than the cache may take, when all variables have been read', async () => {
    const schema = await composeSchema();
    const limitBytes = 1_024 * 1_024;
    const operations = preparedOperations(schema, limitBytes);
    operations.prepare(manyVariables(1_000)).checkVariables(valuesOfAll);
    const before = heapUsed();
    for (let index = 0; index < 60; index++) operations.prepare(manyVariables(index)).checkVariables(valuesOfAll);
    const retained = heapUsed() - before;
    expect(operations.keptBytes).toBeLessThanOrEqual(limitBytes);
    expect(retained).toBeLessThanOrEqual(limitBytes + 200 * 1_024);
    expect(operations.prepare(manyVariables(59))).toBeDefined();
  });

  test('are forgotten when they are refused', async () => {
    const operations = preparedOperations(await composeSchema());
    for (let index = 0; index < 10; index++) {
      expect(() => operations.prepare(`{ nothing${index} }`)).toThrow();
      expect(() => operations.prepare(`{ me {`)).toThrow();
      expect(() => operations.prepare('{ __typename }', `Other${index}`)).toThrow();
    }
    expect(operations.keptBytes).toBe(0);
  });

  test('are not mistaken for one another, whatever name is sent with them', async () => {
    const operations = preparedOperations(await composeSchema());
    operations.prepare('\n{ __typename }');
    expect(() => operations.prepare('{ __typename }', '')).toThrow();
    operations.prepare('query A { __typename } query B { me { userId } }', 'A');
    expect(() => operations.prepare('query A { __typename } query B { me { userId } }')).toThrow();
    expect(operations.prepare('query A { __typename } query B { me { userId } }', 'B').rootFields).toEqual(['me']);
  });

  test('nor are headers kept beyond a fixed number and length', () => {
    const types = new ContentTypes();
    types.remember('application/json', 'json');
    types.remember('x'.repeat(201), 'json');
    expect(types.find('x'.repeat(201))).toBeUndefined();
    for (let index = 0; index < 100; index++) types.remember(`text/${index}`, 'json');
    expect(types.find('application/json')).toBeUndefined();
    expect(types.find('text/99')).toBe('json');
  });
});
