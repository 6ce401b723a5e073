import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import {
  type GraphQLSchema,
  getIntrospectionQuery,
  getNamedType,
  getNullableType,
  getOperationAST,
  graphqlSync,
  isInterfaceType,
  isListType,
  isObjectType,
  parse,
} from 'graphql';
import { costLimitOf, OperationCosts } from '../../src/gateway/graphql/cost.js';
import { LIST_LENGTHS, SIZE_ARGUMENTS, TEXT_CHARACTERS } from '../../src/gateway/graphql/cost-table.js';
import { Pipeline } from '../../src/gateway/graphql/pipeline.js';
import { composeSchema } from '../../src/gateway/graphql/schema.js';
import { defaultLimits } from '../support/catalogue-scene.js';
import { preparedOperations } from './run-prepared.js';

let schema: GraphQLSchema;
let costs: OperationCosts;
let pipeline: Pipeline;
beforeAll(async () => {
  schema = await composeSchema();
  costs = new OperationCosts(schema, defaultLimits);
  const operations = preparedOperations(schema);
  pipeline = new Pipeline({ schema, operations, limits: defaultLimits, introspection: true, rates: null, trusted: null });
});

function costOf(text: string, variables: Record<string, unknown> = {}): number {
  const document = parse(text);
  const operation = getOperationAST(document);
  if (!operation) throw new Error('no operation');
  return costs.measure(document, operation, variables).cost;
}

/** The cost that a caller without a token is admitted with. */
async function admittedCost(text: string, variables: Record<string, unknown> = {}): Promise<number> {
  const caller = { userId: null, role: 'PUBLIC' } as const;
  return (await pipeline.admit(pipeline.prepare({ query: text }), variables, { caller, address: '127.0.0.1' })).cost;
}

const ids = (count: number) => Array.from({ length: count }, (_, index) => `id-${index}`);
const idTexts = (count: number) => JSON.stringify(ids(count));

describe('the cost of an operation', () => {
  test.each<[what: string, text: string, cost: number, variables?: Record<string, unknown>]>([
    ['a leaf is 1', '{ film(id: "x") { id } }', 2],
    ['a leaf of the root is 1', '{ __typename }', 1],
    ['__typename of an object is 1', '{ film(id: "x") { __typename } }', 2],
    ['an alias counts again', '{ film(id: "x") { a: id b: id c: id } }', 4],
    ['a text of up to 300 characters is 2', '{ film(id: "x") { title } }', 3],
    ['a description of up to 5,000 characters is 25', '{ film(id: "x") { description } }', 26],
    ['a page multiplies', '{ films(first: 7) { nodes { id } } }', 1 + 7 * 2],
    ['a page without a size has its default', '{ films { nodes { id } } }', 1 + 20 * 2],
    ['a page of null has its default', '{ films(first: null) { nodes { id } } }', 1 + 20 * 2],
    ['a negative page costs nothing but itself', '{ films(first: -5) { nodes { id } } }', 1],
    ['edges multiply as nodes do', '{ films(first: 7) { edges { cursor node { id } } } }', 1 + 7 * (1 + 3 + 2)],
    [
      'nested pages multiply',
      '{ films(first: 3) { nodes { subscriptions(first: 5) { nodes { id } } } } }',
      1 + 3 * (2 + 3 + 5 * 2),
    ],
    ['a size may be a variable', 'query ($n: Int) { films(first: $n) { nodes { id } } }', 1 + 9 * 2, { n: 9 }],
    [
      'a size that is null by variable is the default of the field',
      'query ($n: Int = 9) { films(first: $n) { nodes { id } } }',
      1 + 9 * 2,
      { n: null },
    ],
    [
      'a size by a variable that is not given is the default of the field',
      'query ($n: Int) { films(first: $n) { nodes { id } } }',
      1 + 20 * 2,
    ],
    ["a size may be a variable's default", 'query ($n: Int = 9) { films(first: $n) { nodes { id } } }', 1 + 9 * 2],
    [
      'a variable may have the name of a property',
      'query ($constructor: Int = 9) { films(first: $constructor) { nodes { id } } }',
      19,
    ],
    ['film ids multiply', `{ access(filmIds: ${idTexts(3)}) { filmId allowed } }`, 3 * 3],
    ['film ids by variable multiply', 'query ($ids: [ID!]!) { access(filmIds: $ids) { filmId } }', 500 * 2, { ids: ids(500) }],
    [
      'film ids that are variables each multiply',
      'query ($a: ID!, $b: ID!) { access(filmIds: [$a, $b]) { filmId } }',
      2 * 2,
      { a: 'x', b: 'y' },
    ],
    ['one film id where a list is expected counts once', '{ access(filmIds: "x") { filmId } }', 2],
    ['one film id by variable counts once', 'query ($id: [ID!]!) { access(filmIds: $id) { filmId } }', 2, { id: 'x' }],
    ['offers multiply', `{ access(filmIds: ${idTexts(2)}) { offers(first: 4) { id } } }`, 2 * (1 + 3 + 4 * 2)],
    ['offers without a size have their default', `{ access(filmIds: ${idTexts(2)}) { offers { id } } }`, 2 * (1 + 3 + 3 * 2)],
    ['a field with a resolver of its own is 3 more', '{ film(id: "x") { access { allowed } } }', 1 + 3 + 1 + 1],
    ['a field that follows from its row is not', '{ subscription(id: "x") { price { amount } } }', 1 + 1 + 1],
    ['a list of leaves has its maximum', 'mutation { runJob(name: "x") { errors { path } } }', 10 + 1 + 1 * (1 + 5)],
    [
      'a list that is as long as the input multiplies by it',
      `mutation { createFilms(input: ${'[{title:"a"},{title:"b"}]'}) { films { id } } }`,
      10 + 1 + 4,
    ],
    [
      'a list that is as long as the input multiplies by a variable too',
      'mutation ($i: [CreateFilmInput!]!) { createFilms(input: $i) { films { id } } }',
      10 + 1 + 1_000 * 2,
      { i: ids(1_000) },
    ],
    ['a list of a known maximum multiplies by it', '{ verifyLedger { discrepancies { userId } } }', 1 + 1_000 * 2],
    [
      'each mutation is 10 more',
      'mutation { a: runJob(name: "x") { job { name } } b: runJob(name: "y") { job { name } } }',
      2 * (10 + 1 + 2),
    ],
    ['what a directive skips is counted', '{ film(id: "x") { id @skip(if: true) } }', 2],
    ['types of which one will come are summed', '{ node(id: "x") { ... on Film { id } ... on Grant { id status } } }', 4],
    [
      'a fragment counts wherever it is spread',
      '{ a: film(id: "x") { ...F } b: film(id: "x") { ...F ...F } } fragment F on Film { id }',
      2 + 3,
    ],
    ['a live operation costs one event', 'subscription { balanceChanged { cursor balance { version } } }', 1 + 3 + 2],
  ])('%s', (_what, text, cost, variables = {}) => expect(costOf(text, variables)).toBe(cost));

  test('is measured without walking fragments again and again, and stays an exact number', () => {
    const chain = Array.from(
      { length: 300 },
      (_, index) => `fragment F${index} on Film { id ...F${index + 1} ...F${index + 1} }`,
    );
    const text = `{ films(first: 0) { nodes { ...F0 } } film(id: "x") { ...F0 } } ${chain.join(' ')} fragment F300 on Film { id }`;
    expect(costOf(text)).toBe(Number.MAX_SAFE_INTEGER);
    expect(costOf(text.replace('film(id: "x") { ...F0 }', ''))).toBe(1);
  });

  test('is bounded for sizes that are none', () => {
    const text = 'query ($n: Int) { films(first: $n) { nodes { id } } }';
    for (const n of [1e308, Number.POSITIVE_INFINITY, 2 ** 31]) expect(costOf(text, { n })).toBe(1 + 10_000 * 2);
  });

  test('is measured again when the same document is sent with other sizes, and only then', async () => {
    const text = 'query ($n: Int, $after: String) { films(first: $n, after: $after) { nodes { id } } }';
    for (const n of [3, 50, 3]) expect(await admittedCost(text, { n })).toBe(1 + n * 2);
    expect(await admittedCost(text)).toBe(1 + 20 * 2);
    const measure = jest.spyOn(OperationCosts.prototype, 'measure');
    expect(await admittedCost(text, { n: 50 })).toBe(1 + 50 * 2);
    expect(measure).not.toHaveBeenCalled();
    expect(await admittedCost(text, { n: 51 })).toBe(1 + 51 * 2);
    expect(measure).toHaveBeenCalledTimes(1);
    measure.mockRestore();
  });

  test('lets a service ask for 500 films, a viewer for pages of 100, and anyone for 100 films with their stories', () => {
    const everything = 'filmId allowed reason availableUntil offers { id version title price { amount currency } }';
    const access = costOf(`query ($ids: [ID!]!) { access(filmIds: $ids) { ${everything} } }`, { ids: ids(500) });
    expect(access).toBeLessThan(costLimitOf({ userId: 'x', role: 'SERVICE' }, defaultLimits));
    const grants = 'grants(first: 100) { nodes { id status subscription { title films(first: 20) { nodes { id title } } } } }';
    expect(costOf(`{ me { ${grants} } }`)).toBeLessThan(costLimitOf({ userId: 'x', role: 'VIEWER' }, defaultLimits));
    const films = costOf('{ films(first: 100) { nodes { id title description } pageInfo { endCursor hasNextPage } } }');
    expect(films).toBeLessThan(costLimitOf({ userId: null, role: 'PUBLIC' }, defaultLimits));
  });

  test('refuses what was served as 172 MB: 14 aliased texts over 95 × 100 films', () => {
    const texts = Array.from({ length: 14 }, (_, index) => `t${index}: description`).join(' ');
    const text = `{ subscriptions(first: 95) { nodes { films(first: 100) { nodes { ${texts} } } } } }`;
    expect(costOf(text)).toBeGreaterThan(30 * defaultLimits.queryCostMaximumCount);
  });
});

describe('the cost of questions about the schema', () => {
  /** Objects and leaves of an answer, texts by their length. */
  const weigh = (value: unknown): number => {
    if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + weigh(item), 0);
    if (typeof value === 'object' && value !== null)
      return 1 + Object.values(value).reduce((sum: number, item) => sum + weigh(item), 0);
    return typeof value === 'string' ? Math.max(1, Math.ceil(value.length / 200)) : 1;
  };
  const answerTo = (text: string) => weigh(graphqlSync({ schema, source: text }).data) - 1;

  test.each([
    ["the tools' query", getIntrospectionQuery()],
    [
      'types within types',
      '{ __schema { types { fields { name type { ...T fields { name args { name } } } } } } } fragment T on __Type { name ofType { name } }',
    ],
    ['aliases', '{ a: __schema { types { name } } b: __schema { types { name description } } }'],
  ])('is what the answer has: %s', (_what, text) => expect(costOf(text)).toBe(answerTo(text)));

  test("lets anyone ask the tools' query where introspection is on", async () => {
    expect(await admittedCost(getIntrospectionQuery())).toBeGreaterThan(defaultLimits.queryCostAnonymousMaximumCount);
    expect(await admittedCost(getIntrospectionQuery())).toBeLessThan(defaultLimits.queryCostMaximumCount / 5);
    // Asking about the schema beside it makes nothing else cheaper.
    const films = 'films(first: 100) { nodes { id title description subscriptions { nodes { id title description } } } }';
    await expect(admittedCost(`{ __schema { __typename } ${films} }`)).rejects.toThrow('at most 5000');
  });

  test('is beyond the limit, and found so at once, where many of them are nested or aliased', () => {
    const deep = '__schema { types { fields { type { fields { type { fields { name description type { name kind } } } } } } } }';
    const many = Array.from({ length: 20 }, (_, index) => `a${index}: ${deep}`).join(' ');
    expect(costOf(`{ ${many} }`)).toBeGreaterThan(defaultLimits.queryCostMaximumCount);
  });
});

describe('the tables of the cost', () => {
  const fieldsOfAnswers = () =>
    Object.values(schema.getTypeMap())
      .filter((type) => (isObjectType(type) || isInterfaceType(type)) && !type.name.startsWith('__'))
      .flatMap((type) =>
        isObjectType(type) || isInterfaceType(type)
          ? Object.values(type.getFields()).map((field) => ({ coordinate: `${type.name}.${field.name}`, field }))
          : [],
      );
  const isListed = (table: Readonly<Record<string, unknown>>, coordinate: string) =>
    coordinate in table || (coordinate.split('.')[1] ?? '') in table;

  test('list every text of the contract, and no other', () => {
    const texts = fieldsOfAnswers().filter(({ field }) => getNamedType(field.type).name === 'String');
    expect(texts.length).toBeGreaterThan(40);
    expect(texts.filter(({ coordinate }) => !isListed(TEXT_CHARACTERS, coordinate)).map((text) => text.coordinate)).toEqual([]);
    const known = new Set(texts.flatMap(({ coordinate }) => [coordinate, coordinate.split('.')[1]]));
    expect(Object.keys(TEXT_CHARACTERS).filter((name) => !known.has(name))).toEqual([]);
  });

  test('list every list of the contract that no argument bounds, and no other', () => {
    const lists = fieldsOfAnswers().filter(({ field }) => isListType(getNullableType(field.type)));
    const unbounded = lists.filter(
      ({ coordinate, field }) => !(coordinate in SIZE_ARGUMENTS) && !field.args.some(({ name }) => name === 'first'),
    );
    expect(unbounded.length).toBeGreaterThan(20);
    expect(unbounded.filter(({ coordinate }) => !isListed(LIST_LENGTHS, coordinate)).map((list) => list.coordinate)).toEqual([]);
    const known = new Set(lists.flatMap(({ coordinate }) => [coordinate, coordinate.split('.')[1]]));
    expect(Object.keys(LIST_LENGTHS).filter((name) => !known.has(name))).toEqual([]);
  });

  test('name only arguments that there are', () => {
    for (const [coordinate, argument] of Object.entries(SIZE_ARGUMENTS)) {
      const field = fieldsOfAnswers().find((found) => found.coordinate === coordinate)?.field;
      expect(field?.args.map(({ name }) => name)).toContain(argument);
    }
  });
});
