import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import StripeClient from 'stripe';
import type { StripeInbox } from '../../src/services/stripe-events/stripe-inbox.js';
import { startGateway, stubServices } from '../gateway/gateway-kit.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import { WEBHOOK_SECRET } from '../support/test-services.js';
import { newEvent, newInbox, RecordingEffects, storedEvents } from './scene.js';

describe('A delivery to the webhook, over HTTP and with the database', () => {
  let home: TestDatabase;
  let effects: RecordingEffects;
  let inbox: StripeInbox;
  let kit: Awaited<ReturnType<typeof startGateway>>;
  const clock = { now: () => new Date(), advance: () => {} };

  beforeAll(async () => {
    home = await testDatabase();
    await RecordingEffects.prepare(home.database);
    effects = new RecordingEffects(home.database);
    inbox = newInbox({ database: home.database, effects, clock: clock as never });
    kit = await startGateway({ services: stubServices({ stripeInbox: inbox }) });
  });
  beforeEach(() => home.rows('truncate stripe_events, applied_objects'));
  afterAll(async () => {
    await kit.stop();
    await inbox.close();
    await home.drop();
  });

  interface Terms {
    secret?: string;
    ageSeconds?: number;
    headers?: Record<string, string>;
  }
  function send(payload: string, { secret = WEBHOOK_SECRET, ageSeconds = 0, headers = {} }: Terms = {}): Promise<Response> {
    const timestamp = Math.floor(Date.now() / 1000) - ageSeconds;
    const signature = StripeClient.webhooks.generateTestHeaderString({ payload, secret, timestamp });
    return fetch(`${kit.url}/webhooks/stripe`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'stripe-signature': signature, ...headers },
      body: payload,
    });
  }
  const event = (id: string, change: object = {}) => ({ ...newEvent('refund.created', { id: `re_of_${id}` }, id), ...change });
  const body = JSON.stringify(event('evt_refused'));

  test.each<[what: string, status: number, send: () => Promise<Response>]>([
    ['signed with another secret', 400, () => send(body, { secret: 'whsec_of_somebody_else' })],
    ['not signed', 400, () => send(body, { headers: { 'stripe-signature': '' } })],
    ['signed too long ago', 400, () => send(body, { ageSeconds: 301 })],
    ['empty', 400, () => send('')],
    ['of 1 MiB', 413, () => send(JSON.stringify(event('evt_large', { padding: 'x'.repeat(1_048_576) })))],
    ['of another content type', 415, () => send(body, { headers: { 'content-type': 'text/plain' } })],
    ['of a form', 415, () => send(body, { headers: { 'content-type': 'application/x-www-form-urlencoded' } })],
    ['rightly signed, and not JSON', 400, () => send('{"id": "evt_')],
    ['rightly signed, and no event', 400, () => send('{"id": 1}')],
    ['rightly signed, and nothing', 400, () => send('null')],
  ])('%s is answered with %i at once, and nothing is stored', async (_what, status, deliver) => {
    expect((await deliver()).status).toBe(status);
    expect(await storedEvents(home.database)).toEqual([]);
  });

  test('as Stripe sends it is answered with 200 and stored, once', async () => {
    for (let time = 0; time < 3; time++) expect((await send(JSON.stringify(event('evt_right')))).status).toBe(200);
    await inbox.idle();
    expect(await storedEvents(home.database)).toMatchObject([{ stripeId: 'evt_right', status: 'PROCESSED' }]);
    expect(await effects.applied()).toEqual(['re_of_evt_right']);
  });

  test.each([
    ['the other mode', { livemode: true }, /live mode, and our key is a test mode key/],
    ['another account', { account: 'acct_of_somebody_else' }, /another account, acct_of_somebody_else/],
    [
      'another API version',
      { api_version: '2024-06-20' },
      /API version is 2024-06-20; this version of the app reads 2026-10-28.endive/,
    ],
  ])('about %s is kept as a record that says so, and has no effect', async (_what, change, why) => {
    expect((await send(JSON.stringify(event('evt_other', change)))).status).toBe(200);
    await inbox.idle();
    expect(await storedEvents(home.database)).toMatchObject([{ status: 'IGNORED', lastError: expect.stringMatching(why) }]);
    expect(await effects.applied()).toEqual([]);
  });
});
