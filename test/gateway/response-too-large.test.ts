import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { jsonBytes, RawJson } from '../../src/gateway/graphql/response.js';
import { type Message, RawSocket } from '../live/socket-scene.js';
import { until } from '../support/until.js';
import { type Answer, startGateway, stubServices, tokenFor } from './gateway-kit.js';

const MAX_BYTES = 256 * 1_024;
const FILMS = 20;
/** Texts whose characters take one, two, three and four bytes, and of which JSON writes six characters each. */
const TEXTS: Record<string, string> = {
  ascii: 'a',
  umlauts: 'ä',
  kanji: '映',
  emoji: '🎬',
  quotes: '"',
  controls: '\u0001',
};
const BYTES: Record<string, number> = { ascii: 1, umlauts: 2, kanji: 3, emoji: 4, quotes: 2, controls: 6 };

let description = '';
let kit: Awaited<ReturnType<typeof startGateway>>;
let token: string;
beforeAll(async () => {
  const films = () =>
    Array.from({ length: FILMS }, () => ({ __typename: 'Film', id: randomUUID(), title: 'A film', description }));
  kit = await startGateway({
    services: stubServices({
      catalogue: { films: async () => ({ nodes: films(), edges: [], pageInfo: {} }) },
      live: {
        watchBalance: async () => {
          async function* changes() {
            yield { cursor: 'x'.repeat(MAX_BYTES), balance: {}, transactionId: null };
          }
          return changes();
        },
      },
    }),
    environment: { RESPONSE_BYTES: String(MAX_BYTES), SOCKET_BUFFERED_BYTES: String(8 * MAX_BYTES) },
  });
  token = await tokenFor();
});
afterAll(() => kit.stop());

const sockets: RawSocket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.socket.terminate();
});

async function overSocket(query: string): Promise<Message> {
  const socket = await RawSocket.bare(`${kit.url.replace('http', 'ws')}/graphql`);
  sockets.push(socket);
  socket.send({ type: 'connection_init', payload: { token } });
  await until(() => socket.messages.some(({ type }) => type === 'connection_ack'), 'acknowledged');
  socket.send({ type: 'subscribe', id: '1', payload: { query } });
  return (await socket.next('1')) as Message;
}

const transports: [name: string, ask: (query: string) => Promise<Answer>][] = [
  ['HTTP', (query) => kit.ask(query, { token })],
  ['WebSocket', async (query) => (await overSocket(query)).payload as Answer],
  [
    'a GET request',
    async (query) => {
      const headers = { authorization: `Bearer ${token}`, 'apollo-require-preflight': 'true' };
      return (await fetch(`${kit.url}/graphql?query=${encodeURIComponent(query)}`, { headers })).json() as Promise<Answer>;
    },
  ],
];

/** Aliases, so that one text is in the answer many times. */
const query = (aliases: number) =>
  `{ films(first: ${FILMS}) { nodes { ${Array.from({ length: aliases }, (_, index) => `d${index}: description`).join(' ')} } } }`;

describe.each(transports)('over %s', (_name, ask) => {
  test.each(Object.keys(TEXTS))('an answer of more bytes than the limit is refused, of %s', async (kind) => {
    const characters = Math.ceil(MAX_BYTES / FILMS / 10 / (BYTES[kind] ?? 1));
    description = (TEXTS[kind] ?? '').repeat(characters);
    for (let time = 0; time < 3; time++) {
      const served = await ask(query(8));
      expect(served.errors).toBeUndefined();
      expect(served.data.films.nodes).toHaveLength(FILMS);
      const refused = await ask(query(11));
      expect(refused.errors).toMatchObject([{ extensions: { code: 'RESPONSE_TOO_LARGE', limit: MAX_BYTES } }]);
      expect(refused.data ?? null).toBeNull();
    }
  });
});

test('A live event that is longer than the limit ends its operation with RESPONSE_TOO_LARGE', async () => {
  const message = await overSocket('subscription { balanceChanged { cursor } }');
  expect(message).toMatchObject({ type: 'error', payload: [{ extensions: { code: 'RESPONSE_TOO_LARGE' } }] });
});

describe('the length of a result as JSON', () => {
  const value = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.string({ unit: 'binary' }),
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('value'), { maxLength: 5 }),
      fc.dictionary(fc.stringMatching(/^[a-zA-Z_]\w{0,8}$/), tie('value'), { maxKeys: 5 }),
    ),
  })).value;

  test('is what writing it would give', () => {
    fc.assert(
      fc.property(value, (sample) => {
        expect(jsonBytes(sample, Number.MAX_SAFE_INTEGER)).toBe(Buffer.byteLength(JSON.stringify(sample)));
      }),
    );
  });

  test('is found too large without making one text of pieces that were joined', () => {
    const counted = jest.spyOn(Buffer, 'byteLength');
    try {
      expect(jsonBytes(new RawJson('ä'.repeat(1_001)), 1_000)).toBeGreaterThan(1_000);
      expect(counted).not.toHaveBeenCalled();
      expect(jsonBytes(new RawJson('ä'.repeat(1_000)), 1_000)).toBe(2_000);
    } finally {
      counted.mockRestore();
    }
  });

  test('is found too large without being counted to its end', () => {
    let read = 0;
    const endless = new Proxy(Array.from({ length: 1_000 }), {
      get(target, name) {
        if (name !== 'length' && typeof name === 'string') read += 1;
        return typeof name === 'string' && /^\d+$/.test(name) ? 'x'.repeat(100) : Reflect.get(target, name);
      },
    });
    expect(jsonBytes(endless, 1_000)).toBeGreaterThan(1_000);
    expect(read).toBeLessThan(20);
  });
});
