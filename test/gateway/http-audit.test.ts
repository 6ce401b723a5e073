import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Audit, serverAudits } from 'graphql-http';
import { startGateway } from './gateway-kit.js';

/** The audits of the GraphQL over HTTP specification: https://github.com/graphql/graphql-http#audits */
let kit: Awaited<ReturnType<typeof startGateway>>;
let audits: Audit[];

beforeAll(async () => {
  kit = await startGateway();
  const fetchFn = (url: string, init?: RequestInit) =>
    // Queries by GET need a header that no foreign page can send without asking (CSRF prevention).
    fetch(url, { ...init, headers: { ...(init?.headers as Record<string, string>), 'apollo-require-preflight': 'true' } });
  audits = serverAudits({ url: () => `${kit.url}/graphql`, fetchFn });
});
afterAll(() => kit.stop());

test('every audit of GraphQL over HTTP holds, whatever it is named', async () => {
  const results = await Promise.all(audits.map((audit) => audit.fn()));
  const failed = results.flatMap((result) => (result.status === 'ok' ? [] : [`${result.name}: ${result.reason}`]));
  expect(failed).toEqual([]);
  // As many as the suite had when this was written: an upgrade may add, and must not lose.
  expect(results.length).toBeGreaterThanOrEqual(61);
});
