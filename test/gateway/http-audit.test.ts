import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Audit, serverAudits } from 'graphql-http';
import { startGateway } from './gateway-kit.js';

/** The audits of the GraphQL over HTTP specification: https://github.com/graphql/graphql-http#audits */
let kit: Awaited<ReturnType<typeof startGateway>>;
let audits: Audit[];

beforeAll(async () => {
  kit = await startGateway();
  const fetchFn = (url: string, init: RequestInit) =>
    // Queries by GET need a header that no foreign page can send without asking (CSRF prevention).
    fetch(url, { ...init, headers: { ...(init.headers as Record<string, string>), 'apollo-require-preflight': 'true' } });
  audits = serverAudits({ url: () => `${kit.url}/graphql`, fetchFn });
});
afterAll(() => kit.stop());

describe('every audit of GraphQL over HTTP', () => {
  test.each(['MUST', 'SHOULD'])('that says %s holds', async (level) => {
    const chosen = audits.filter(({ name }) => name.startsWith(level));
    expect(chosen.length).toBeGreaterThan(5);
    const failed: string[] = [];
    for (const audit of chosen) {
      const result = await audit.fn();
      if (result.status !== 'ok') failed.push(`${result.name}: ${result.reason}`);
    }
    expect(failed).toEqual([]);
  });
});
