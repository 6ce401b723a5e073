import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startGateway, stubServices, tokenFor } from '../gateway/gateway-kit.js';
import { CatalogueScene, defaultLimits } from '../support/catalogue-scene.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';

describe('over HTTP', () => {
  let home: TestDatabase;
  beforeAll(async () => {
    home = await testDatabase();
  });
  afterAll(() => home.drop());

  test('a subscription with as many films as one may have can be made', async () => {
    const filmIds = Array.from({ length: defaultLimits.subscriptionFilmsMaximumCount }, () => randomUUID());
    await home.rows(
      `insert into films (id, title, created_at, updated_at) select id, 'A film', now(), now() from unnest($1::uuid[]) as id`,
      [filmIds],
    );
    const { catalogue, admin } = new CatalogueScene(home.database, { now: () => new Date() });
    const kit = await startGateway({ services: stubServices({ catalogue, catalogueAdmin: admin }) });
    try {
      const variables = { input: { title: 'All', description: '', pricePerDay: 1, durationDays: 1, filmIds } };
      const answer = await kit.ask(
        'mutation ($input: CreateSubscriptionInput!) { createSubscription(input: $input) { subscription { status } errors { message } } }',
        { variables, token: await tokenFor({ role: 'admin' }) },
      );
      expect(answer.errors).toBeUndefined();
      expect(answer.data.createSubscription).toEqual({ subscription: { status: 'DRAFT' }, errors: [] });
      const [row] = await home.rows<{ count: number }>('select count(*)::int from subscription_version_films');
      expect(row?.count).toBe(10_000);
    } finally {
      await kit.stop();
    }
  });
});
