import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { GraphQLError } from 'graphql';
import { type Answer, startGateway, stubServices, tokenFor } from './gateway-kit.js';
import { overHttp, overWebSocket, type Send } from './send-both-ways.js';

const ORDER_ID = '01900000-0000-7000-8000-000000000001';
const row = { id: ORDER_ID, kind: 'TOP_UP', status: 'CANCELLED', amount: 500, currency: 'USD', checkoutUrl: null };

let kit: Awaited<ReturnType<typeof startGateway>>;
let ways: Record<'HTTP' | 'WebSocket', Send>;
let ranCount = 0;
let outcome: () => unknown;

beforeAll(async () => {
  const cancelOrder = async () => {
    ranCount += 1;
    return outcome();
  };
  kit = await startGateway({ services: stubServices({ purchases: { cancelOrder } }) });
  const token = await tokenFor();
  const webSocket = await overWebSocket(kit, token);
  ways = { HTTP: overHttp(kit, token), WebSocket: webSocket };
});
afterAll(() => kit.stop());

const query = `mutation Cancel($id: ID!) {
  cancelOrder(orderId: $id) { order { id status amount { amount currency } } errors { __typename code message ... on WrongState { state } } }
}`;

const outcomes: [what: string, outcome: () => unknown, expected: unknown][] = [
  [
    'goes well',
    () => ({ order: row, errors: [] }),
    { order: { id: ORDER_ID, status: 'CANCELLED', amount: { amount: 500, currency: 'USD' } }, errors: [] },
  ],
  [
    'answers with an expected error',
    () => ({ errors: [{ code: 'WRONG_STATE', message: 'It is paid.', state: 'PAID' }] }),
    { order: null, errors: [{ __typename: 'WrongState', code: 'WRONG_STATE', message: 'It is paid.', state: 'PAID' }] },
  ],
  [
    'throws',
    () => {
      throw new GraphQLError('No.', { extensions: { code: 'FORBIDDEN' } });
    },
    'cancelOrder FORBIDDEN',
  ],
  [
    'gives a row that the contract does not allow',
    () => ({ order: { ...row, status: null }, errors: [] }),
    'cancelOrder.order.status INTERNAL_SERVER_ERROR',
  ],
  ['gives nothing where the contract promises a payload', () => null, 'cancelOrder INTERNAL_SERVER_ERROR'],
];

const seen = ({ data, errors }: Answer) =>
  errors ? errors.map(({ path, extensions }) => `${path?.join('.')} ${extensions.code}`).join() : data?.cancelOrder;

for (const way of ['HTTP', 'WebSocket'] as const) {
  test.each(outcomes)(
    `A mutation over ${way} that %s runs once each time it is sent, with the same answer`,
    async (_what, given, expected) => {
      outcome = given;
      ranCount = 0;
      for (let time = 1; time <= 4; time++) {
        expect(seen(await ways[way]({ query, variables: { id: ORDER_ID } }))).toEqual(expected);
        expect(ranCount).toBe(time);
      }
    },
  );

  test(`Two mutations of one document over ${way} run once each, in their order`, async () => {
    let last = 0;
    outcome = () => ({ order: { ...row, amount: ++last }, errors: [] });
    ranCount = 0;
    const both = `mutation ($id: ID!) { a: cancelOrder(orderId: $id) { order { amount { amount } } } b: cancelOrder(orderId: $id) { order { amount { amount } } } }`;
    for (let time = 1; time <= 3; time++) {
      const { data } = await ways[way]({ query: both, variables: { id: ORDER_ID } });
      expect(data).toEqual({
        a: { order: { amount: { amount: 2 * time - 1 } } },
        b: { order: { amount: { amount: 2 * time } } },
      });
      expect(ranCount).toBe(2 * time);
    }
  });

  test(`A row over ${way} of which everything is left out is an empty object each time`, async () => {
    outcome = () => ({ order: row, errors: [] });
    const nothing =
      'mutation ($id: ID!, $no: Boolean!) { cancelOrder(orderId: $id) { order { id @skip(if: $no) amount { amount @skip(if: $no) } } } }';
    for (let time = 1; time <= 3; time++) {
      const { data } = await ways[way]({ query: nothing, variables: { id: ORDER_ID, no: true } });
      expect(data).toEqual({ cancelOrder: { order: { amount: {} } } });
    }
  });
}
