import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createLogger } from '../../src/observability/logging.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';

const PRIVATE = 'anna@example.com';
let db: TestDatabase;
beforeAll(async () => {
  db = await testDatabase();
});
afterAll(() => db.drop());

function logged(fields: object): { text: string; err: Record<string, unknown> } {
  let text = '';
  const write = (line: string) => {
    text += line;
  };
  const logger = createLogger({ logLevel: 'info' }, { destination: { write } });
  logger.error(fields, 'a request failed');
  return { text, err: JSON.parse(text).err };
}

const failure = (sql: string, values: readonly unknown[]): Promise<Error> =>
  db.database.query({ name: sql, text: sql }, values).then(
    () => Promise.reject(new Error('the statement did not fail')),
    (error: Error) => error,
  );

test('A log line of a failed statement names the constraint and not the row', async () => {
  const insert =
    'insert into films (id, title, description, created_at, updated_at) values (gen_random_uuid(), $1, $2, now(), now())';
  const { text, err } = logged({ err: await failure(insert, ['x'.repeat(301), PRIVATE]) });
  expect(err).toMatchObject({ code: '23514', constraint: 'films_title_length', table: 'films' });
  expect(err.stack).toContain('films_title_length');
  expect(text).not.toContain(PRIVATE);
});

test('A log line of a value that Postgres cannot read does not repeat it, in the message, the stack, or an error inside or behind it', async () => {
  const error = await failure('select $1::text::uuid', [PRIVATE]);
  expect(error.message).toContain(PRIVATE);
  const outer = Object.assign(new Error('reading failed'), { originalError: error, errors: [error] });
  for (const err of [error, outer, new Error('reading failed', { cause: error })]) {
    const { text } = logged({ err });
    expect(text).toContain('invalid input syntax for type uuid');
    expect(text).not.toContain(PRIVATE);
  }
});

test("A log line of Stripe's refusal has its code and not the payment", () => {
  const payment = { billing_details: { email: PRIVATE } };
  const refusal = Object.assign(new Error('Your card was declined.'), {
    type: 'StripeCardError',
    code: 'card_declined',
    requestId: 'req_1',
    raw: { payment_method: payment },
    payment_method: payment,
  });
  const { text, err } = logged({ err: refusal });
  expect(err).toMatchObject({ code: 'card_declined', requestId: 'req_1', message: 'Your card was declined.' });
  expect(text).not.toContain(PRIVATE);
});
