import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { InvalidArgument } from '../../src/services/errors.js';
import { until } from '../support/until.js';
import { startGateway, stubServices, tokenFor } from './gateway-kit.js';

type Kit = Awaited<ReturnType<typeof startGateway>>;

const film = { id: '44444444-4444-4444-8444-444444444444', title: 'Metropolis', description: null };
const log: string[] = [];
let kit: Kit;

const services = stubServices({
  catalogue: {
    filmsByIds: async () => [film],
    films: async ({ first }: { first: number }) => {
      if (first === 99) throw new InvalidArgument('first', '`first` is one that the test refuses.');
      if (first === 98) throw new Error('relation "secret_table" does not exist');
      if (first === 97) throw Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:5432'), { code: 'ECONNREFUSED' });
      return {
        edges: [],
        nodes: [film],
        pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null },
      };
    },
    subscriptionsByIds: async () => [],
    subscriptionsByVersionIds: async () => [],
  },
});

beforeAll(async () => {
  kit = await startGateway({ services, onLog: (line) => log.push(line) });
});
afterAll(() => kit.stop());

const FILM = `query Film($id: ID!) { film(id: $id) { id title } }`;

describe('GraphQL over HTTP', () => {
  test('answers the same whether an operation is new or compiled', async () => {
    const answers = [];
    for (let time = 0; time < 4; time++) answers.push(await kit.ask(FILM, { variables: { id: film.id } }));
    for (const answer of answers) expect(answer).toEqual({ status: 200, data: { film: { id: film.id, title: film.title } } });
  });

  test('runs queries by GET, and mutations never', async () => {
    const get = (query: string) =>
      fetch(`${kit.url}/graphql?query=${encodeURIComponent(query)}`, { headers: { 'apollo-require-preflight': 'true' } });
    expect((await get('{ __typename }')).status).toBe(200);
    expect((await get('mutation { runJob(name: "x") { errors { code } } }')).status).toBe(405);
  });

  test.each(['PUT', 'PATCH', 'DELETE'])('A %s is answered by 405 and the methods that are allowed', async (method) => {
    const response = await fetch(`${kit.url}/graphql`, { method, headers: { 'content-type': 'text/plain' }, body: 'anything' });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, POST, OPTIONS']);
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'BAD_REQUEST' } }] });
  });

  test('refuses what a page of another site could send without asking (CSRF)', async () => {
    const response = await fetch(`${kit.url}/graphql?query=${encodeURIComponent('{ __typename }')}`);
    expect(response.status).toBe(400);
  });

  test('refuses batches', async () => {
    expect((await kit.post([{ query: '{ __typename }' }])).status).toBe(400);
  });

  test.each([
    ['no JSON', '{', 400],
    ['a body without a query', '{}', 400],
    ['a syntax error', '{"query":"{"}', 400],
    ['an unknown field', '{"query":"{ nothing }"}', 400],
    ['a body beyond the limit', JSON.stringify({ query: `{ __typename } #${'x'.repeat(1_000_000)}` }), 413],
  ])('answers %s with a GraphQL error and no defect', async (_what, body, status) => {
    const response = await kit.post(body);
    expect(response.status).toBe(status);
    const { errors } = (await response.json()) as { errors: { extensions: { code: string; requestId: string } }[] };
    expect(errors[0]?.extensions.code).toMatch(/BAD_REQUEST|GRAPHQL_PARSE_FAILED|GRAPHQL_VALIDATION_FAILED/);
    expect(errors[0]?.extensions.requestId).toBe(response.headers.get('x-request-id'));
  });

  test('takes the request id of a proxy when it is a plain one', async () => {
    const response = await kit.post({ query: '{ __typename }' }, { 'x-request-id': 'proxy-12345' });
    expect(response.headers.get('x-request-id')).toBe('proxy-12345');
    const strange = await kit.post({ query: '{ __typename }' }, { 'x-request-id': 'a b;c<d>' });
    expect(strange.headers.get('x-request-id')).not.toBe('a b;c<d>');
  });

  test('sends security headers, and CORS only to allowed origins', async () => {
    const friend = await kit.post({ query: '{ __typename }' }, { origin: 'http://localhost:4000' });
    const stranger = await kit.post({ query: '{ __typename }' }, { origin: 'https://evil.example' });
    expect(friend.headers.get('access-control-allow-origin')).toBe('http://localhost:4000');
    expect(stranger.headers.get('access-control-allow-origin')).toBeNull();
    expect(friend.headers.get('x-content-type-options')).toBe('nosniff');
    expect(friend.headers.get('strict-transport-security')).toBeTruthy();
  });
});

describe('a caller', () => {
  test('with a bad token gets 401 and UNAUTHENTICATED, even for public fields', async () => {
    const response = await kit.post({ query: '{ __typename }' }, { authorization: 'Bearer nonsense' });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
  });

  test('without a token gets public fields, and UNAUTHENTICATED beside them', async () => {
    const answer = await kit.ask(`{ film(id: "${film.id}") { title } order(id: "x") { id } }`);
    expect(answer.data).toEqual({ film: { title: 'Metropolis' }, order: null });
    expect(answer.errors?.[0]).toMatchObject({ path: ['order'], extensions: { code: 'UNAUTHENTICATED' } });
  });

  test('asking for drafts without being an admin gets FORBIDDEN', async () => {
    const token = await tokenFor({ role: 'viewer' });
    const answer = await kit.ask('{ subscriptions(status: DRAFT) { nodes { id } } }', { token });
    expect(answer.errors?.[0]?.extensions.code).toBe('FORBIDDEN');
  });
});

describe('an error', () => {
  const films = (first: number) => kit.ask(`query Films { films(first: ${first}) { nodes { id } } }`);

  test('about an argument names it, new or compiled', async () => {
    for (let time = 0; time < 3; time++) {
      const [error] = (await films(99)).errors ?? [];
      expect(error).toMatchObject({ message: '`first` is one that the test refuses.', path: ['films'] });
      expect(error?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', argument: 'first' });
    }
  });

  test('that nobody expected is masked and logged with the request id, new or compiled', async () => {
    for (let time = 0; time < 3; time++) {
      const answer = await films(98);
      const text = JSON.stringify(answer);
      expect(answer.errors?.[0]?.extensions.code).toBe('INTERNAL_SERVER_ERROR');
      expect(text).not.toMatch(/secret_table|stack|at .*\.ts/);
      const { requestId } = answer.errors?.[0]?.extensions ?? {};
      expect(log.some((line) => line.includes(String(requestId)) && line.includes('secret_table'))).toBe(true);
    }
  });

  test('of a database out of reach says so, without its address', async () => {
    const answer = await films(97);
    expect(answer.errors?.[0]?.extensions.code).toBe('SERVICE_UNAVAILABLE');
    expect(JSON.stringify(answer)).not.toContain('10.0.0.1');
  });

  const TOP_UP = 'mutation TopUp($input: TopUpInput!) { topUp(input: $input) { errors { code } } }';
  test.each([
    ['amount', 1.5],
    ['amount', '100'],
    ['currency', 'eur'],
    ['idempotencyKey', 'short'],
  ])('about the variable $input names the field %s', async (field, value) => {
    const input = { amount: 1_000, currency: 'EUR', idempotencyKey: '12345678', [field]: value };
    for (let time = 0; time < 3; time++) {
      const answer = await kit.ask(TOP_UP, { token: await tokenFor(), variables: { input } });
      expect(answer.status).toBe(400);
      expect(answer.errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
      expect(answer.errors?.[0]?.message).toContain(field);
    }
  });
});

describe('a faulty literal', () => {
  test('is reported with the name of its field', async () => {
    const answer = await kit.ask(
      'mutation { topUp(input: { amount: 1.5, currency: "eur", idempotencyKey: "short" }) { errors { code } } }',
    );
    const messages = (answer.errors ?? []).map(({ message }) => message).join(' ');
    for (const name of ['input.amount', 'input.currency', 'input.idempotencyKey']) expect(messages).toContain(`\`${name}\`: `);
    expect(new Set(answer.errors?.map(({ extensions }) => extensions.code))).toEqual(new Set(['GRAPHQL_VALIDATION_FAILED']));
  });
});

describe('the guard', () => {
  const codeOf = async (query: string, variables?: Record<string, unknown>) => {
    const { status, errors } = await kit.ask(query, { variables });
    return [status, errors?.[0]?.extensions.code];
  };
  const nested = (depth: number): string =>
    depth === 0 ? '{ id }' : `{ nodes { subscriptions(first: 1) { nodes { films(first: 1) ${nested(depth - 1)} } } } }`;

  test('refuses an operation that nests too deep', async () => {
    expect(await codeOf(`{ films(first: 1) ${nested(4).replace('{ id }', '{ nodes { id } }')} }`)).toEqual([
      400,
      'GRAPHQL_VALIDATION_FAILED',
    ]);
  });

  test('refuses too many aliases, root fields and tokens', async () => {
    const many = (count: number, part: (index: number) => string) =>
      Array.from({ length: count }, (_, index) => part(index)).join(' ');
    expect(await codeOf(`{ film(id: "x") { ${many(31, (index) => `a${index}: id`)} } }`)).toEqual([
      400,
      'GRAPHQL_VALIDATION_FAILED',
    ]);
    expect(await codeOf(`{ ${many(21, () => '__typename')} }`)).toEqual([400, 'GRAPHQL_VALIDATION_FAILED']);
    expect(await codeOf(`{ film(id: "x") { ${many(2_001, () => 'id')} } }`)).toEqual([400, 'GRAPHQL_PARSE_FAILED']);
  });

  test('multiplies the sizes of nested pages, whether literals or variables', async () => {
    const query =
      'query ($a: Int!, $b: Int!) { films(first: $a) { nodes { subscriptions(first: $b) { nodes { films(first: $b) { nodes { id } } } } } } }';
    expect(await codeOf(query, { a: 100, b: 100 })).toEqual([400, 'QUERY_TOO_EXPENSIVE']);
    expect(await codeOf(query.replaceAll('$a)', '100)').replaceAll('$b)', '100)').replace('($a: Int!, $b: Int!)', ''))).toEqual([
      400,
      'QUERY_TOO_EXPENSIVE',
    ]);
  });

  test('sends who asks for a live operation to the WebSocket', async () => {
    for (let time = 0; time < 3; time++) {
      const { status, errors } = await kit.ask('subscription { balanceChanged { cursor } }', { token: await tokenFor() });
      expect([status, errors?.[0]?.extensions.code]).toEqual([400, 'BAD_REQUEST']);
      expect(errors?.[0]?.message).toContain('WebSocket');
    }
  });

  test('returns the cost on request', async () => {
    const response = await kit.post({ query: '{ films(first: 5) { nodes { id } } }', extensions: { cost: true } });
    expect(await response.json()).toMatchObject({ extensions: { cost: { asked: 11, limit: 5_000 } } });
  });

  test('hides the schema when introspection is off: no suggestions either', async () => {
    const closed = await startGateway({ services, environment: { INTROSPECTION: 'false' } });
    try {
      const introspection = await closed.ask('{ __schema { types { name } } }');
      expect(introspection.errors?.[0]?.extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
      const misspelt = await closed.ask('{ filmz { nodes { id } } }');
      expect(misspelt.errors?.[0]?.message).not.toMatch(/Did you mean|films"/);
    } finally {
      await closed.stop();
    }
  });
});

describe('each line that is logged for a request', () => {
  test('has the id of that request', async () => {
    const lines: { level: number; msg: string; requestId?: string }[] = [];
    const talking = await startGateway({
      logLevel: 'info',
      onLog: (line) => lines.push(JSON.parse(line)),
      readiness: { database: () => Promise.reject(new Error('away')) },
    });
    const authorization = `Bearer ${await tokenFor()}`;
    // Answered as a whole from the second time on; the stub makes it fail, and then field by field as well.
    const page = { query: '{ me { balance { version } } }' };
    const requests: [path: string, body?: object][] = [
      ['graphql', { query: '{ __typename }' }],
      ['graphql', page],
      ['graphql', page],
      ['graphql', page],
      ['webhooks/stripe', {}],
      ['readyz'],
      ['nowhere'],
    ];
    try {
      const ofRequests: string[][] = [];
      for (const [index, [path, body]] of requests.entries()) {
        const requestId = `request-${index}`;
        await fetch(`${talking.url}/${path}`, {
          headers: { 'content-type': 'application/json', 'x-request-id': requestId, authorization },
          ...(body && { method: 'POST', body: JSON.stringify(body) }),
        });
        await until(() => lines.some(({ msg }) => msg === 'answered'), 'answered');
        const own = lines.splice(0).filter(({ msg }) => !msg.startsWith('Server listening'));
        expect(own.map((line) => [line.msg, line.requestId])).toEqual(own.map((line) => [line.msg, requestId]));
        ofRequests.push(own.map(({ msg }) => msg));
      }
      expect(new Set(ofRequests.flat())).toEqual(
        new Set([
          'answered',
          'operation failed',
          'fast path failed; executing the operation field by field',
          'could not store a Stripe event',
          'dependency unavailable',
        ]),
      );
    } finally {
      await talking.stop();
    }
  });
});

describe('health', () => {
  test('/healthz is alive, /readyz reports each dependency with its latency', async () => {
    let reachable = true;
    const watched = await startGateway({
      readiness: { database: async () => (reachable ? 1 : Promise.reject(new Error('connect ECONNREFUSED 10.0.0.1'))) },
    });
    try {
      expect((await fetch(`${watched.url}/healthz`)).status).toBe(200);
      const ready = await fetch(`${watched.url}/readyz`);
      expect([ready.status, await ready.json()]).toMatchObject([
        200,
        { status: 'ready', dependencies: { database: { ready: true } } },
      ]);
      reachable = false;
      const unready = await fetch(`${watched.url}/readyz`);
      const text = await unready.text();
      expect(unready.status).toBe(503);
      expect(text).toContain('"ready":false');
      expect(text).not.toContain('10.0.0.1');
    } finally {
      await watched.stop();
    }
  });
});
