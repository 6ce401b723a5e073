import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startGateway, stubServices } from './gateway-kit.js';

type Kit = Awaited<ReturnType<typeof startGateway>>;

const searched: unknown[] = [];
let kit: Kit;
beforeAll(async () => {
  const pageInfo = { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null };
  const films = async ({ search }: { search: string }) => {
    searched.push(search);
    return { edges: [], nodes: [], pageInfo };
  };
  kit = await startGateway({ services: stubServices({ catalogue: { films } }) });
});
afterAll(() => kit.stop());

const text = JSON.stringify({
  query: 'query ($search: String) { films(search: $search) { nodes { id } } }',
  variables: { search: 'Amélie' },
});

async function send(body: Buffer, headers: Record<string, string>) {
  searched.length = 0;
  const response = await fetch(`${kit.url}/graphql`, { method: 'POST', headers, body: new Uint8Array(body) });
  const { errors = [] } = (await response.json()) as { errors?: { message: string; extensions: { code: string } }[] };
  return { status: response.status, code: errors[0]?.extensions.code, message: errors[0]?.message, searched: [...searched] };
}

describe('A JSON body', () => {
  test.each([
    'application/json',
    'application/json; charset=utf-8',
    'application/json;charset=UTF-8',
    'application/json; charset="utf-8"',
    'application/json; charset=utf8',
    'Application/JSON; profile="x"; charset=utf-8',
  ])('of the type %s is read', async (type) => {
    expect(await send(Buffer.from(text), { 'content-type': type })).toMatchObject({ status: 200, searched: ['Amélie'] });
  });

  test.each<[charset: string, encoding: BufferEncoding]>([
    ['utf-16', 'utf16le'],
    ['UTF-16LE', 'utf16le'],
    ['latin1', 'latin1'],
    ['"ISO-8859-1"', 'latin1'],
    ['windows-1252', 'latin1'],
    ['utf-8; charset=latin1', 'latin1'],
    ['', 'utf8'],
  ])('of the charset %s is refused, not read as UTF-8', async (charset, encoding) => {
    const type = `application/json; charset=${charset}`;
    const message = 'The body must be in UTF-8.';
    expect(await send(Buffer.from(text, encoding), { 'content-type': type })).toEqual({
      status: 415,
      code: 'BAD_REQUEST',
      message,
      searched: [],
    });
    expect((await send(Buffer.from(text), { 'content-type': type })).status).toBe(415);
  });

  test('whose bytes are no UTF-8 is refused, not changed', async () => {
    expect(await send(Buffer.from(text, 'latin1'), { 'content-type': 'application/json' })).toEqual({
      status: 400,
      code: 'BAD_REQUEST',
      message: 'The body is not valid UTF-8.',
      searched: [],
    });
  });

  test('that is compressed is refused by its form, not as faulty JSON', async () => {
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
    expect(await send(gzipSync(text), headers)).toMatchObject({ status: 415, message: 'The body must not be compressed.' });
  });
});
