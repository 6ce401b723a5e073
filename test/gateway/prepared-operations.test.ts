import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Answer, startGateway, stubServices, tokenFor } from './gateway-kit.js';

type Kit = Awaited<ReturnType<typeof startGateway>>;
let kit: Kit;
let token: string;

const services = stubServices({
  access: {
    decide: async (_userId: string, filmIds: string[]) => {
      if (filmIds.includes('broken')) throw new Error('a secret of ours');
      return filmIds.map((filmId) => ({ filmId, allowed: false, reason: 'NO_GRANT', availableUntil: null, grantId: null }));
    },
  },
});
/** What a client sends that knows nothing of application/graphql-response+json. */
const PLAIN = { accept: 'application/json' };

beforeAll(async () => {
  token = await tokenFor();
  kit = await startGateway({
    services,
    environment: { INTROSPECTION: 'false', PERSISTED_OPERATIONS: 'off' },
  });
});
afterAll(() => kit.stop());

const QUERY = 'query Films($ids: [ID!]!) { access(filmIds: $ids) { filmId allowed reason } }';

async function send(body: object, headers: Record<string, string> = {}) {
  const response = await kit.post(body, { authorization: `Bearer ${token}`, ...headers });
  const received = Object.fromEntries(
    [...response.headers].filter(([name]) => !['date', 'x-request-id', 'keep-alive'].includes(name)),
  );
  const text = await response.text();
  return { status: response.status, headers: received, text: text.replaceAll(response.headers.get('x-request-id') ?? '-', 'ID') };
}

/** The same request until its operation is known and compiled; every answer must be the first one again. */
async function sameAnswers(body: object, headers?: Record<string, string>) {
  const first = await send(body, headers);
  for (let time = 0; time < 3; time++) expect(await send(body, headers)).toEqual(first);
  return { ...first, body: JSON.parse(first.text) as Answer };
}

describe('an operation that was served before is answered with the same bytes and headers', () => {
  const accepted = [
    'application/json',
    'application/graphql-response+json',
    '*/*',
    'application/graphql-response+json, application/json;q=0.9',
  ];
  test.each(accepted)('to a client that accepts %s', async (accept) => {
    const { status, body } = await sameAnswers({ query: QUERY, variables: { ids: ['a'] } }, { accept });
    expect(status).toBe(200);
    expect(body.data.access).toEqual([{ filmId: 'a', allowed: false, reason: 'NO_GRANT' }]);
  });

  test('when a resolver fails, and nothing of why leaks', async () => {
    const { body } = await sameAnswers({ query: QUERY, variables: { ids: ['broken'] } });
    expect(body.errors?.[0]?.extensions).toEqual({ code: 'INTERNAL_SERVER_ERROR', requestId: 'ID' });
    expect(JSON.stringify(body)).not.toContain('secret of ours');
  });

  test('when the caller may not use it', async () => {
    const viewersOnly = 'mutation { runJob(name: "sweep") { errors { message } } }';
    expect((await sameAnswers({ query: viewersOnly })).body.errors?.[0]?.extensions.code).toBe('FORBIDDEN');
  });

  test('when its variables are wrong after they were right', async () => {
    await sameAnswers({ query: QUERY, variables: { ids: ['a'] } });
    const missing = await sameAnswers({ query: QUERY, variables: {} });
    expect(missing.status).toBe(400);
    expect(missing.body.errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
  });
});

describe('a request is counted once against its rate', () => {
  const counting = async (work: (limited: Kit) => Promise<void>) => {
    const environment = { RATE_LIMIT_READS_COUNT: '4', METRICS: 'true' };
    const limited = await startGateway({ services, environment });
    await work(limited).finally(() => limited.stop());
  };
  const statusOf = async (limited: Kit, variables: object) =>
    (await limited.post({ query: QUERY, variables }, { authorization: `Bearer ${token}`, ...PLAIN })).status;

  test('though its operation is known and its variables are wrong', () =>
    counting(async (limited) => {
      const statuses = [];
      for (const variables of [{ ids: ['a'] }, {}, {}, { ids: ['a'] }]) statuses.push(await statusOf(limited, variables));
      expect(statuses).toEqual([200, 200, 200, 200]);
      expect(await statusOf(limited, { ids: ['a'] })).toBe(429);
    }));

  test('and held back once in the metrics', () =>
    counting(async (limited) => {
      for (let time = 0; time < 6; time++) await statusOf(limited, { ids: ['a'] });
      const metrics = await (await fetch(`${limited.url}/metrics`)).text();
      expect(metrics).toContain('boxoffice_rate_limited_total{limit="reads"} 2\n');
    }));
});

describe('what is not that plain is still judged by every rule', () => {
  test('a document with two operations wants a name each time', async () => {
    const query = 'query A { __typename } query B { access(filmIds: ["b"]) { filmId } }';
    expect((await sameAnswers({ query, operationName: 'B' })).body.data.access[0].filmId).toBe('b');
    expect((await sameAnswers({ query })).status).toBe(400);
    expect((await sameAnswers({ query, operationName: 'A' })).body.data).toEqual({ __typename: 'Query' });
  });

  test('a body that a form could send is refused, known or not', async () => {
    await sameAnswers({ query: QUERY, variables: { ids: ['a'] } });
    const answer = await send({ query: QUERY, variables: { ids: ['a'] } }, { 'content-type': 'text/plain' });
    expect(answer.status).toBeGreaterThanOrEqual(400);
  });

  test('a known mutation is not run by GET', async () => {
    const query = 'mutation { runJob(name: "sweep") { errors { message } } }';
    await sameAnswers({ query });
    const response = await fetch(`${kit.url}/graphql?query=${encodeURIComponent(query)}`, {
      headers: { authorization: `Bearer ${token}`, 'apollo-require-preflight': 'yes' },
    });
    expect(response.status).toBe(405);
  });

  test('a known operation costs what its variables make it cost', async () => {
    const query = 'query ($n: Int) { me { grants(first: $n) { nodes { films(first: $n) { nodes { id } } } } } }';
    await sameAnswers({ query, variables: { n: 1 } });
    const expensive = await send({ query, variables: { n: 1_000 } });
    expect(expensive.text).toContain('QUERY_TOO_EXPENSIVE');
  });

  test('a token that is no good is refused', async () => {
    await sameAnswers({ query: QUERY, variables: { ids: ['a'] } });
    expect((await send({ query: QUERY, variables: { ids: ['a'] } }, { authorization: 'Bearer nonsense' })).status).toBe(401);
  });
});
