import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'graphql';
import { countSelections, limitExpansion } from '../../src/gateway/graphql/document-expansion.js';
import { type Answer, startGateway, tokenFor } from './gateway-kit.js';
import { overHttp, overWebSocket, type Send } from './send-both-ways.js';

const many = (count: number, part: (index: number) => string) => Array.from({ length: count }, (_, i) => part(i)).join(' ');
/** Each fragment spreads the next one twice. */
const chain = (length: number, leaf = 'userId') =>
  `{ me { ...F0 } } ${many(length, (i) => `fragment F${i} on Account { ...F${i + 1} ...F${i + 1} }`)} fragment F${length} on Account { ${leaf} }`;

describe('countSelections', () => {
  test.each<[what: string, document: string, count: number]>([
    ['fields, nested ones too', '{ me { userId balance { version } } }', 4],
    ['a fragment wherever it is spread', '{ a: me { ...F } b: me { ...F } } fragment F on Account { userId }', 6],
    ['inline fragments and what is in them', '{ me { ... { userId } ... on Account { userId } } }', 5],
    ['every operation', 'query A { me { userId } } query B { me { userId } }', 4],
    ['a fragment that nothing spreads', '{ __typename } fragment F on Account { userId }', 2],
    ['a fragment that spreads itself once', '{ me { ...F } } fragment F on Account { ...F userId }', 4],
    ['two fragments that spread one another', '{ me { ...F } } fragment F on Account { ...G } fragment G on Account { ...F }', 4],
    ['a fragment that is not there', '{ me { ...F } }', 2],
    ['a chain of ten that doubles', chain(10), 1 + 1 + (2 ** 12 - 2) - 2 ** 11 + 2 ** 10],
    ['more than a number can hold', chain(200), Number.MAX_SAFE_INTEGER],
  ])('counts %s', (_what, document, count) => {
    expect(countSelections(parse(document))).toBe(count);
  });

  test('refuses one selection more than the limit, and not the limit itself', () => {
    const document = parse('{ me { userId } }');
    expect(() => limitExpansion(document, 2)).not.toThrow();
    expect(() => limitExpansion(document, 1)).toThrow('2 selections');
  });

  test('refuses many fields of one name, of which GraphQL compares each pair', () => {
    const merged = (count: number) => parse(`{ ${many(count, () => 'me { userId }')} }`);
    expect(() => limitExpansion(merged(200), 10_000)).not.toThrow();
    expect(() => limitExpansion(merged(300), 10_000)).toThrow('same name');
  });
});

describe('a document that grows by expansion is refused before anything walks it', () => {
  let kit: Awaited<ReturnType<typeof startGateway>>;
  let send: Record<'HTTP' | 'WebSocket', Send>;
  let close: () => void;
  beforeAll(async () => {
    kit = await startGateway();
    const token = await tokenFor();
    const socket = await overWebSocket(kit, token);
    send = { HTTP: overHttp(kit, token), WebSocket: socket };
    close = () => socket.close();
  });
  afterAll(async () => {
    close();
    await kit.stop();
  });

  const documents: [what: string, query: string][] = [
    ['a chain of 40 fragments, each spreading the next one twice', chain(40)],
    [
      'such a chain below the schema',
      chain(40).replace('{ me {', '{ __schema {').replaceAll('Account', '__Schema').replace('userId', 'description'),
    ],
    ['such a chain beside a field that is not there', chain(40, 'nothing')],
    ['such a chain in an operation that is not the first', `query A { __typename } ${chain(40).replace('{ me', 'query B { me')}`],
    ['such a chain in fragments that nothing spreads', chain(40).replace('{ me { ...F0 } }', '{ __typename }')],
    ['four hundred fields of one name', `{ ${many(400, () => 'me { userId }')} }`],
  ];
  const expectRefusal = ({ data, errors }: Answer) => {
    expect(data).toBeUndefined();
    expect(errors).toHaveLength(1);
    expect(errors?.[0]?.message).toMatch(/selections with its fragments expanded; at most 10000|same name/);
    expect(errors?.[0]?.extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
  };

  describe.each(['HTTP', 'WebSocket'] as const)('over %s', (transport) => {
    test.each(documents)('as %s, the first time and the second', async (_what, query) => {
      for (let time = 0; time < 2; time++) expectRefusal(await send[transport]({ query }));
    });
  });

  test('by GET, with the status 400, and by anyone', async () => {
    const response = await fetch(`${kit.url}/graphql?query=${encodeURIComponent(chain(40))}`, {
      headers: { 'apollo-require-preflight': 'yes', accept: 'application/graphql-response+json' },
    });
    expect(response.status).toBe(400);
    expectRefusal((await response.json()) as Answer);
    expect((await fetch(`${kit.url}/healthz`)).status).toBe(200);
  });

  test('as an automatic persisted query, before it is kept', async () => {
    const { createHash } = await import('node:crypto');
    const query = chain(40);
    const persistedQuery = { version: 1, sha256Hash: createHash('sha256').update(query).digest('hex') };
    const register = await kit.post({ query, extensions: { persistedQuery } });
    expect(register.status).toBe(400);
    const again = (await (await kit.post({ extensions: { persistedQuery } })).json()) as Answer;
    expect(again.errors?.[0]?.extensions.code).toMatch(/^PERSISTED_QUERY_/);
  });
});
