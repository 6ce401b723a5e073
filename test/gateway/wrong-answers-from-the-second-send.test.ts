import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Answer, startGateway, stubServices, tokenFor } from './gateway-kit.js';
import { overHttp, overWebSocket, type Send } from './send-both-ways.js';

const USER = '01900000-0000-7000-8000-000000000001';
const FILM = '01900000-0000-7000-8000-00000000000f';
/** Reads pages field by field, so that no statement is needed. */
const balances = {
  byUsers: async (ids: string[]) =>
    ids.map((userId) => ({ userId, currency: 'EUR', posted: 7, held: 0, version: 3, updatedAt: null })),
};
const services = stubServices({
  accounts: { balances, rows: {}, pages: {}, accountPage: async () => Promise.reject(new Error('no database here')) },
  access: {
    decide: async (_userId: string, filmIds: string[]) =>
      filmIds.map((filmId) => ({ filmId, allowed: false, reason: 'NO_GRANT', availableUntil: null, grantId: null })),
  },
  catalogue: {
    subscriptionsByIds: async () => [],
    subscriptionsByVersionIds: async () => [],
    filmsByIds: async (ids: string[]) => ids.map((id) => ({ id, title: `Film ${id.slice(-1)}`, description: null })),
  },
  live: {
    watchBalance: async () =>
      (async function* () {
        yield {
          cursor: 'c',
          balance: { userId: USER, currency: 'EUR', posted: 7, held: 0, version: 3, updatedAt: null },
          transactionId: null,
        };
      })(),
  },
  purchases: { cancelOrder: async () => ({ errors: [] }) },
});

let kit: Awaited<ReturnType<typeof startGateway>>;
const ways: Record<string, Send> = {};
let close: () => void;
beforeAll(async () => {
  kit = await startGateway({ services });
  const token = await tokenFor({ userId: USER });
  const socket = await overWebSocket(kit, token);
  Object.assign(ways, { HTTP: overHttp(kit, token), WebSocket: socket });
  close = () => socket.close();
});
afterAll(async () => {
  close();
  await kit.stop();
});

/** The answer's data, which must be the same each time. */
async function dataEachTime(send: Send, sent: Parameters<Send>[0]): Promise<unknown> {
  const answers: Answer[] = [];
  for (let time = 0; time < 5; time++) answers.push(await send(sent));
  for (const { data, errors } of answers) {
    expect(errors).toBeUndefined();
    // Text is compared, for toEqual takes no notice of a key called __proto__.
    expect(JSON.stringify(data)).toBe(JSON.stringify(answers[0]?.data));
  }
  return JSON.parse(JSON.stringify(answers[0]?.data));
}

const A = 'fragment A on Account { userId }';

describe.each(['HTTP', 'WebSocket'])('over %s, an operation that is sent again gives the same answer', (way) => {
  test.each<[what: string, sent: Parameters<Send>[0], data: unknown]>([
    [
      'where a fragment is skipped in one place and not in the other',
      { query: `query ($a: Boolean!) { x: me { ...A @skip(if: $a) } y: me { ...A } } ${A}`, variables: { a: true } },
      { x: {}, y: { userId: USER } },
    ],
    [
      'the other way round',
      { query: `query ($a: Boolean!) { x: me { ...A @skip(if: $a) } y: me { ...A } } ${A}`, variables: { a: false } },
      { x: { userId: USER }, y: { userId: USER } },
    ],
    [
      'where a literal leaves a fragment out',
      { query: `{ x: me { ...A @include(if: false) } y: me { ...A } } ${A}` },
      { x: {}, y: { userId: USER } },
    ],
    [
      'where a fragment is left out first and kept in the same selection',
      { query: `{ me { ...A @include(if: false) ...A balance { version } } } ${A}` },
      { me: { userId: USER, balance: { version: 3 } } },
    ],
    [
      'where a field is skipped in one of two fragments',
      {
        query:
          'query ($a: Boolean!) { me { ...A ...B } } fragment A on Account { userId @skip(if: $a) } fragment B on Account { userId balance { version @skip(if: $a) held { amount } } }',
        variables: { a: true },
      },
      { me: { userId: USER, balance: { held: { amount: 0 } } } },
    ],
    [
      'where an inline fragment is left out around a spread',
      { query: `query ($a: Boolean = false) { me { ... @include(if: $a) { ...A } balance { version } } } ${A}` },
      { me: { balance: { version: 3 } } },
    ],
    [
      'where a root field is skipped',
      {
        query: `query ($a: Boolean!, $ids: [ID!]!) { me @skip(if: $a) { userId } access(filmIds: $ids) { filmId reason @include(if: $a) } }`,
        variables: { a: true, ids: [FILM] },
      },
      { access: [{ filmId: FILM, reason: 'NO_GRANT' }] },
    ],
    [
      'of a mutation',
      {
        query:
          'mutation ($a: Boolean!) { cancelOrder(orderId: "x") { ...P @skip(if: $a) errors { code } } } fragment P on OrderPayload { order { id } }',
        variables: { a: true },
      },
      { cancelOrder: { errors: [] } },
    ],
  ])('%s', async (_what, sent, data) => {
    expect(await dataEachTime(ways[way] as Send, sent)).toEqual(data);
  });

  describe.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', 'prototype'])(
    'with the name %s',
    (name) => {
      /** As JSON would give it: a key called __proto__ of its own. */
      const under = (value: unknown) =>
        JSON.parse(`{${JSON.stringify(name)}:${JSON.stringify(value)}}`) as Record<string, unknown>;
      const textOf = (value: unknown) => JSON.stringify(value);

      test('for an alias of a field, a list and a leaf', async () => {
        const query = `{ ${name}: access(filmIds: ["${FILM}"]) { ${name}: filmId } film(id: "${FILM}") { ${name}: title } }`;
        const data = await dataEachTime(ways[way] as Send, { query });
        expect(textOf(data)).toBe(`{"${name}":[{"${name}":"${FILM}"}],"film":{"${name}":"Film f"}}`);
      });

      test('for a variable that is given', async () => {
        const query = `query ($${name}: [ID!]!) { access(filmIds: $${name}) { filmId } }`;
        const data = await dataEachTime(ways[way] as Send, { query, variables: under([FILM]) });
        expect(data).toEqual({ access: [{ filmId: FILM }] });
      });

      test('for a variable that is not given', async () => {
        const query = `query ($${name}: Boolean = true) { me { userId @skip(if: $${name}) balance { version } } }`;
        expect(await dataEachTime(ways[way] as Send, { query })).toEqual({ me: { balance: { version: 3 } } });
        const given = await dataEachTime(ways[way] as Send, { query, variables: under(false) });
        expect(given).toEqual({ me: { userId: USER, balance: { version: 3 } } });
      });

      test('for a variable of a page, given and not', async () => {
        const query = `query ($${name}: Int) { film(id: "${FILM}") { id } me { grants(first: $${name}) { nodes { id } } } }`;
        // The size decides what it costs before anything runs.
        const { errors } = await (ways[way] as Send)({ query, variables: under(1_000_000) });
        expect(errors).toBeDefined();
      });

      test('for a fragment and for the operation', async () => {
        const query = `query ${name} { me { ...${name} } } fragment ${name} on Account { userId }`;
        for (const operationName of [undefined, name]) {
          expect(await dataEachTime(ways[way] as Send, { query, operationName })).toEqual({ me: { userId: USER } });
        }
      });

      test('for a fragment and a variable that are not there', async () => {
        const spread = await (ways[way] as Send)({ query: `{ me { ...${name} } }` });
        expect(spread.errors?.[0]?.message).toBe(`Unknown fragment "${name}".`);
        const variable = await (ways[way] as Send)({ query: `{ me { userId @skip(if: $${name}) } }` });
        expect(variable.errors?.[0]?.message).toBe(`Variable "$${name}" is not defined.`);
      });

      test('for a field, a type, an argument and a directive that are not there', async () => {
        for (const query of [
          `{ ${name} }`,
          `{ ... on ${name} { id } }`,
          `{ film(${name}: 1, id: "x") { id } }`,
          `{ me @${name} { userId } }`,
          `{ films(search: "x", first: {${name}: 1}) { nodes { id } } }`,
        ]) {
          const { data, errors } = await (ways[way] as Send)({ query });
          expect(data).toBeUndefined();
          expect(errors?.[0]?.extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
        }
      });

      test('for a field of an input that is not there', async () => {
        const query = 'mutation ($input: TopUpInput!) { topUp(input: $input) { errors { code } } }';
        const { errors } = await (ways[way] as Send)({ query, variables: { input: under(1) } });
        expect(errors?.map(({ extensions }) => extensions.code)).toContain('BAD_USER_INPUT');
      });
    },
  );
});

describe('a live event', () => {
  test('leaves out what is skipped, and answers to any name', async () => {
    const query =
      'subscription ($__proto__: Boolean!) { balanceChanged { cursor @skip(if: $__proto__) __proto__: balance { constructor: version ...B @include(if: false) } } } fragment B on Balance { updatedAt }';
    const variables = JSON.parse('{"__proto__":true}') as Record<string, unknown>;
    for (let time = 0; time < 3; time++) {
      const { data, errors } = await (ways.WebSocket as Send)({ query, variables });
      expect(errors).toBeUndefined();
      expect(JSON.stringify(data)).toBe('{"balanceChanged":{"__proto__":{"constructor":3}}}');
    }
  });
});
