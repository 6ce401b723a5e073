import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import Fastify, { type FastifyInstance } from 'fastify';
import { stripeWebhook } from '../../src/gateway/http/stripe-webhook.js';
import type { Receipt } from '../../src/services/stripe-events/stripe-inbox.js';

const json = { 'content-type': 'application/json', 'stripe-signature': 't=1,v1=x' };

describe('POST /webhooks/stripe', () => {
  let server: FastifyInstance;
  let answer: () => Promise<Receipt>;
  let taken: { body: Buffer; signature: string }[];

  beforeEach(async () => {
    taken = [];
    answer = async () => ({ outcome: 'STORED' });
    server = Fastify();
    const receive = async (body: Buffer, signature: string) => {
      taken.push({ body, signature });
      return answer();
    };
    await server.register(stripeWebhook, { inbox: { receive }, bodyLimitBytes: 1_000 });
    server.post('/other', async (request) => request.body);
  });
  afterEach(() => server.close());

  const post = (payload: string | Buffer | undefined, headers: Record<string, string> = json) =>
    server.inject({ method: 'POST', url: '/webhooks/stripe', payload, headers });

  test('hands on the bytes as they came, with the signature', async () => {
    const response = await post('{"a" : 1 }');
    expect(response.statusCode).toBe(200);
    expect(taken).toEqual([{ body: Buffer.from('{"a" : 1 }'), signature: 't=1,v1=x' }]);
  });

  test('thanks for a duplicate too', async () => {
    answer = async () => ({ outcome: 'DUPLICATE' });
    expect((await post('{}')).statusCode).toBe(200);
  });

  test.each(['EMPTY', 'NOT_SIGNED', 'STALE', 'NOT_AN_EVENT'] as const)('answers 400 when the delivery is %s', async (refusal) => {
    answer = async () => ({ outcome: 'REFUSED', refusal });
    expect((await post('{}')).statusCode).toBe(400);
  });

  test('answers 503, without a word about the cause, when the event could not be stored', async () => {
    answer = () => Promise.reject(new Error('connect ECONNREFUSED postgres://user:secret@host'));
    const response = await post('{}');
    expect(response.statusCode).toBe(503);
    expect(response.body).not.toContain('ECONNREFUSED');
  });

  test('refuses what is too large, of another type or without a body before anything is looked at', async () => {
    expect((await post(JSON.stringify({ a: 'x'.repeat(1_000) }))).statusCode).toBe(413);
    expect((await post('a=1', { ...json, 'content-type': 'application/x-www-form-urlencoded' })).statusCode).toBe(415);
    expect(taken).toEqual([]);
    answer = async () => ({ outcome: 'REFUSED', refusal: 'EMPTY' });
    expect((await post(undefined)).statusCode).toBe(400);
    expect((await post('')).statusCode).toBe(400);
    expect((await post(undefined, {})).statusCode).toBe(400);
  });

  test('leaves the JSON of other routes as it was', async () => {
    const response = await server.inject({ method: 'POST', url: '/other', payload: { a: 1 } });
    expect(response.json()).toEqual({ a: 1 });
  });

  test('answers no other method', async () => {
    expect((await server.inject({ method: 'GET', url: '/webhooks/stripe' })).statusCode).toBe(404);
  });
});
