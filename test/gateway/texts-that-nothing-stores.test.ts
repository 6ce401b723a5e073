import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  getNamedType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
} from 'graphql';
import { composeSchema } from '../../src/gateway/graphql/schema.js';
import type { AppServices, Services } from '../../src/services/services.js';
import { RawSocket } from '../live/socket-scene.js';
import { CardShop } from '../support/card-shop.js';
import { testServices } from '../support/test-services.js';
import { until } from '../support/until.js';
import { type Answer, startGateway, tokenFor } from './gateway-kit.js';

const UUID = '11111111-1111-4111-8111-111111111111';
const SAMPLES: Record<string, unknown> = {
  ID: UUID,
  String: 'text',
  Int: 1,
  MinorUnits: 500,
  CurrencyCode: 'USD',
  IdempotencyKey: 'a key for texts',
  DateTime: '2026-11-28T00:00:00Z',
};

let kit: Awaited<ReturnType<typeof startGateway>>;
let shop: CardShop;
let services: Services;
let schema: Awaited<ReturnType<typeof composeSchema>>;
const defects: string[] = [];
beforeAll(async () => {
  schema = await composeSchema();
  shop = await CardShop.open();
  services = testServices({
    database: shop.db.database,
    stripe: shop.stripe,
    clock: shop.clock,
    logger: { error: (details, message) => void defects.push(`${message} ${JSON.stringify(details)}`) },
  });
  const jobs = { list: async () => [], run: async () => ({ job: null, errors: [] }) };
  kit = await startGateway({
    services: { ...services, jobs } as unknown as AppServices,
    environment: { RATE_LIMITS: 'false', OPERATIONS_PER_SOCKET_COUNT: '1000' },
    onLog: (line) => defects.push(line),
  });
});
afterAll(async () => {
  await kit.stop();
  await services.close();
  await shop.close();
});

/** A value of every field, optional ones too. */
function sampleOf(type: GraphQLInputType): unknown {
  if (isNonNullType(type)) return sampleOf(type.ofType);
  if (isListType(type)) return [sampleOf(type.ofType)];
  if (isEnumType(type)) return type.getValues()[0]?.name;
  if (!isInputObjectType(type)) return SAMPLES[type.name];
  return Object.fromEntries(Object.values(type.getFields()).map((field) => [field.name, sampleOf(field.type)]));
}

/** Where texts are in a value of the type, each with the value in which it is a faulty one. */
function positions(type: GraphQLInputType, faulty: string): { path: string[]; value: unknown }[] {
  if (isNonNullType(type)) return positions(type.ofType, faulty);
  if (isListType(type))
    return positions(type.ofType, faulty).map(({ path, value }) => ({ path: ['0', ...path], value: [value] }));
  if (isInputObjectType(type)) {
    return Object.values(type.getFields()).flatMap((field) =>
      positions(field.type, faulty).map(({ path, value }) => ({
        path: [field.name, ...path],
        value: { ...(sampleOf(type) as object), [field.name]: value },
      })),
    );
  }
  const name = getNamedType(type).name;
  return name === 'String' || name === 'ID' ? [{ path: [], value: faulty }] : [];
}

interface Case {
  readonly name: string;
  readonly query: string;
  readonly variables: Record<string, unknown>;
  readonly path: readonly string[];
}

function casesOf(operation: string, field: GraphQLField<unknown, unknown>, faulty: string): Case[] {
  const declared = field.args.map((arg: GraphQLArgument) => `$${arg.name}: ${arg.type}`).join(', ');
  const passed = field.args.map((arg) => `${arg.name}: $${arg.name}`).join(', ');
  const selection =
    operation === 'mutation' ? '{ errors { code path } }' : isCompositeType(getNamedType(field.type)) ? '{ __typename }' : '';
  const query = `${operation} (${declared}) { field: ${field.name}(${passed}) ${selection} }`;
  const all = Object.fromEntries(field.args.map((arg) => [arg.name, sampleOf(arg.type)]));
  return field.args.flatMap((arg) =>
    positions(arg.type, faulty).map(({ path, value }) => {
      const whole = [arg.name, ...path];
      return { name: `${field.name} ${whole.join('.')}`, query, variables: { ...all, [arg.name]: value }, path: whole };
    }),
  );
}

const casesFor = (operation: 'query' | 'mutation' | 'subscription', faulty: string) => {
  const roots = { query: schema.getQueryType(), mutation: schema.getMutationType(), subscription: schema.getSubscriptionType() };
  return Object.values(roots[operation]?.getFields() ?? {}).flatMap((field) => casesOf(operation, field, faulty));
};

/** A caller who may use the field. */
const tokens = async () => Promise.all([tokenFor({ role: 'admin' }), tokenFor({ role: 'viewer' })]);

async function allowedAnswer(ask: (token: string) => Promise<Answer>): Promise<Answer> {
  const [admin, viewer] = await tokens();
  const first = await ask(admin);
  return first.errors?.[0]?.extensions.code === 'FORBIDDEN' ? ask(viewer) : first;
}

describe.each([
  ['NUL', 'a\0b'],
  ['the first half of a surrogate pair', 'a\ud83d'],
  ['the second half of a surrogate pair', '\ude00b'],
])('%s', (_what, faulty) => {
  test('in any text of a mutation is INVALID_INPUT, with the place of the text, and no defect', async () => {
    const cases = casesFor('mutation', faulty);
    expect(cases.length).toBeGreaterThan(25);
    for (const { name, query, variables, path } of cases) {
      const answer = await allowedAnswer((token) => kit.ask(query, { token, variables }));
      expect([name, answer.errors, answer.data?.field.errors]).toEqual([name, undefined, [{ code: 'INVALID_INPUT', path }]]);
    }
    expect(defects.splice(0)).toEqual([]);
  });

  test('in any text of a query is BAD_USER_INPUT, with the argument named, and no defect', async () => {
    const cases = casesFor('query', faulty);
    expect(cases.length).toBeGreaterThan(10);
    for (const { name, query, variables, path } of cases) {
      const answer = await allowedAnswer((token) => kit.ask(query, { token, variables }));
      expect([name, answer.errors?.[0]?.extensions]).toEqual([
        name,
        expect.objectContaining({ code: 'BAD_USER_INPUT', argument: path[0] }),
      ]);
    }
    expect(defects.splice(0)).toEqual([]);
  });

  test('in any text of a live operation is BAD_USER_INPUT, with the argument named, and no defect', async () => {
    const socket = await RawSocket.bare(`${kit.url.replace('http', 'ws')}/graphql`);
    socket.send({ type: 'connection_init', payload: { token: (await tokens())[0] } });
    await until(() => socket.messages.some(({ type }) => type === 'connection_ack'), 'acknowledged');
    const cases = casesFor('subscription', faulty);
    expect(cases.length).toBe(4);
    for (const { name, query, variables, path } of cases) {
      socket.subscribe(name, query, variables);
      const { payload } = await socket.next(name);
      const errors = (Array.isArray(payload) ? payload : (payload as Answer).errors) as Answer['errors'];
      expect([name, errors?.[0]?.extensions]).toEqual([
        name,
        expect.objectContaining({ code: 'BAD_USER_INPUT', argument: path[0] }),
      ]);
    }
    socket.socket.terminate();
    expect(defects.splice(0)).toEqual([]);
  });

  test('in an idempotency key is BAD_USER_INPUT', async () => {
    const input = { amount: 500, currency: 'USD', idempotencyKey: `12345678${faulty}` };
    const query = 'mutation ($input: TopUpInput!) { topUp(input: $input) { errors { code } } }';
    const { errors } = await kit.ask(query, { token: await tokenFor(), variables: { input } });
    expect(errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
    expect(defects.splice(0)).toEqual([]);
  });
});

describe('A title', () => {
  const create = async (title: string) => {
    const query =
      'mutation ($title: String!) { createFilms(input: [{ title: $title }]) { films { title } errors { code path } } }';
    const { data } = await kit.ask(query, { token: await tokenFor({ role: 'admin' }), variables: { title } });
    return data.createFilms.errors[0] ?? data.createFilms.films[0].title;
  };
  const refusal = { code: 'INVALID_INPUT', path: ['input', '0', 'title'] };

  test.each<[string, string, unknown]>([
    ['of 300 emoji', '\u{1F600}'.repeat(300), '\u{1F600}'.repeat(300)],
    ['of 301 emoji', '\u{1F600}'.repeat(301), refusal],
    ['of 300 decomposed letters', 'e\u0301'.repeat(300), 'é'.repeat(300)],
    ['of 301 decomposed letters', 'e\u0301'.repeat(301), refusal],
    ['of 300 decomposed syllables', '\u1112\u1161\u11ab'.repeat(300), '\ud55c'.repeat(300)],
    ['of 300 characters that grow when they are normalised', '\ufb2c'.repeat(300), refusal],
    ['of spaces', ' \u00a0\t', refusal],
    ['of nothing that is seen', '\u200b\u2060\u00ad\u3164', refusal],
    ['with 31 marks on a letter', `e${'\u0301'.repeat(32)}`, refusal],
    ['that is long in bytes', 'x'.repeat(100_000), refusal],
  ])('%s is counted and stored in its normalised form', async (_what, given, expected) => {
    expect(await create(given)).toEqual(expected);
  });

  test('is found whichever way it is written', async () => {
    await create('Ame\u0301lie');
    for (const search of ['am\u00e9lie', 'ame\u0301lie']) {
      const { data } = await kit.ask('query ($search: String) { films(search: $search) { nodes { title } } }', {
        variables: { search },
      });
      expect(data.films.nodes).toEqual([{ title: 'Am\u00e9lie' }]);
    }
  });
});

test('A reason is counted in code points and stored in its normalised form', async () => {
  const userId = '22222222-2222-4222-8222-222222222222';
  const adjust = async (reason: string, idempotencyKey: string) => {
    const query =
      'mutation ($input: AdjustBalanceInput!) { adjustBalance(input: $input) { transaction { reason } errors { code path } } }';
    const input = { userId, amount: 1, currency: 'USD', reason, idempotencyKey };
    const { data } = await kit.ask(query, { token: await tokenFor({ role: 'admin' }), variables: { input } });
    return data.adjustBalance.errors[0] ?? data.adjustBalance.transaction.reason;
  };
  expect(await adjust('\u{1F600}'.repeat(500), 'reason-1')).toBe('\u{1F600}'.repeat(500));
  expect(await adjust(' cafe\u0301 ', 'reason-2')).toBe('café');
  for (const reason of ['\u{1F600}'.repeat(501), '\u200b', ' ']) {
    expect(await adjust(reason, 'reason-3')).toEqual({ code: 'INVALID_INPUT', path: ['input', 'reason'] });
  }
});
