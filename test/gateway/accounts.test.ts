import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Caller } from '../../src/services/caller.js';
import { BEGINNING, DAY_MS, historyKit } from './accounts-kit.js';

type Kit = Awaited<ReturnType<typeof historyKit>>;

let kit: Kit;
beforeAll(async () => {
  kit = await historyKit();
});
afterAll(() => kit.drop());

const as = (userId: string): Caller => ({ userId, role: 'VIEWER' });
const admin: Caller = { userId: randomUUID(), role: 'ADMIN' };

describe('a balance', () => {
  test('of a viewer who never had one is zero in the configured currency, at version 0', async () => {
    const data = await kit.ask(
      as(randomUUID()),
      '{ me { balance { posted { amount currency } held { amount } available { amount } version updatedAt } } }',
    );
    expect(data.me.balance).toEqual({
      posted: { amount: 0, currency: 'EUR' },
      held: { amount: 0 },
      available: { amount: 0 },
      version: 0,
      updatedAt: null,
    });
  });

  test('as of an instant is that of the last transaction up to then, for a viewer without a journal', async () => {
    const userId = await kit.past.viewer();
    const instants: Date[] = [];
    const sums: number[] = [];
    for (let sum = 0, index = 0; index < 6; index++) {
      const { at } = await kit.past.topUp(userId, 100 + index);
      sum += 100 + index;
      instants.push(at);
      sums.push(sum);
    }
    const times = [new Date(BEGINNING - DAY_MS), ...instants, new Date(BEGINNING + DAY_MS)];
    const fields = times.map((time, index) => `t${index}: balanceAt(time: "${time.toISOString()}") { amount }`).join(' ');
    const { me } = await kit.ask(as(userId), `{ me { ${fields} } }`);
    expect(times.map((_time, index) => me[`t${index}`].amount)).toEqual([0, ...sums, sums.at(-1)]);
    expect(kit.statements).toEqual(['balances-by-users', 'balances-at']);
  });
});

describe('a page', () => {
  let userId: string;
  const grants: string[] = [];
  beforeAll(async () => {
    userId = await kit.past.viewer();
    await kit.past.topUp(userId, 10_000);
    for (let index = 0; index < 5; index++) grants.unshift(await kit.past.grant(userId));
  });

  test.each(['grants', 'transactions', 'orders'])(
    'of %s continues after its cursor, newest first, nothing twice',
    async (field) => {
      const all = (await kit.ask(as(userId), `{ me { ${field}(first: 100) { nodes { id } pageInfo { hasNextPage } } } }`)).me[
        field
      ];
      expect(all.pageInfo.hasNextPage).toBe(false);
      const walked: string[] = [];
      for (let after = 'null', more = true; more; ) {
        const query = `{ me { ${field}(first: 2, after: ${after}) { edges { cursor node { id } } pageInfo { hasNextPage endCursor } } } }`;
        const page = (await kit.ask(as(userId), query)).me[field];
        walked.push(...page.edges.map(({ node }: { node: { id: string } }) => node.id));
        more = page.pageInfo.hasNextPage;
        after = `"${page.pageInfo.endCursor}"`;
      }
      expect(walked).toEqual(all.nodes.map(({ id }: { id: string }) => id));
      if (field === 'grants') expect(walked).toEqual(grants);
      if (field === 'transactions') expect(walked).toHaveLength(6);
    },
  );

  test('keeps its place when newer things come', async () => {
    const first = (await kit.ask(as(userId), '{ me { transactions(first: 2) { pageInfo { endCursor } } } }')).me.transactions;
    const next = `{ me { transactions(first: 2, after: "${first.pageInfo.endCursor}") { nodes { version } } } }`;
    const before = await kit.ask(as(userId), next);
    await kit.past.topUp(userId, 500);
    expect(await kit.ask(as(userId), next)).toEqual(before);
  });

  test('shows only one kind or status when asked to', async () => {
    const { me } = await kit.ask(
      as(userId),
      '{ me { transactions(kind: SPENDING) { nodes { kind } } grants(status: REVOKED) { nodes { id } } } }',
    );
    expect(me.transactions.nodes).toHaveLength(5);
    expect(me.grants.nodes).toEqual([]);
  });

  test.each([
    ['first: 0', 'first'],
    ['first: 101', 'first'],
    ['first: null', 'first'],
    ['after: "nonsense"', 'after'],
  ])('with %s is refused, and the argument is named', async (args, argument) => {
    for (const field of ['grants', 'transactions', 'orders']) {
      const errors = await kit.ask(as(userId), `{ me { ${field}(${args}) { nodes { id } } } }`, 'errors');
      expect((errors as { originalError: { argument: string } }[])[0]?.originalError.argument).toBe(argument);
    }
  });

  test("with another connection's cursor is refused", async () => {
    const { me } = await kit.ask(as(userId), '{ me { grants(first: 1) { pageInfo { endCursor } } } }');
    const errors = await kit.ask(
      as(userId),
      `{ me { transactions(after: "${me.grants.pageInfo.endCursor}") { nodes { id } } } }`,
      'errors',
    );
    expect((errors as { message: string }[])[0]?.message).toContain('after');
  });
});

describe('nested reads', () => {
  test('take one statement for each kind of thing, however many there are', async () => {
    const userId = await kit.past.viewer();
    await kit.past.topUp(userId, 10_000);
    for (let index = 0; index < 6; index++) await kit.past.grant(userId);
    const query = (first: number) => `{ me {
      balance { posted { amount } }
      grants(first: ${first}) { nodes { id subscription { title } spending { amount { amount } } refunds { id } refundQuote { unusedDays } } }
      transactions(first: ${first}) { nodes { id refundable { amount } grant { id spending { id } } order { id transactions { id } } } }
    } }`;
    const statementsFor = async (first: number) => {
      await kit.ask(as(userId), query(first));
      return [...kit.statements].sort();
    };
    const few = await statementsFor(2);
    expect(await statementsFor(7)).toEqual(expect.arrayContaining(few));
    expect(kit.statements.sort()).toEqual([
      'balances-by-users',
      'grants-by-ids',
      'orders-by-ids',
      'pages-of-grants',
      'pages-of-transactions',
      'quotes',
      'refundables',
      'refunds-by-grants',
      'subscriptions-by-version-ids',
      'transactions-by-ids',
      'transactions-by-orders',
    ]);
  });

  test('of many accounts at once are one statement for each connection', async () => {
    for (let index = 0; index < 5; index++) await kit.past.topUp(await kit.past.viewer(), 1_000);
    const { accounts } = await kit.ask(
      admin,
      '{ accounts(first: 100) { nodes { userId balance { version } transactions(first: 1) { nodes { kind } } orders(first: 1) { nodes { status checkoutUrl } } } } }',
    );
    expect(accounts.nodes.length).toBeGreaterThanOrEqual(5);
    expect([...kit.statements].sort()).toEqual([
      'balances-by-users',
      'page-of-accounts',
      'pages-of-orders',
      'pages-of-transactions',
    ]);
    const order = accounts.nodes.find((node: { orders: { nodes: unknown[] } }) => node.orders.nodes.length > 0).orders.nodes[0];
    expect(order).toEqual({ status: 'PAID', checkoutUrl: null });
  });
});

describe('node(id)', () => {
  test('finds what is the caller’s, and nothing of another viewer', async () => {
    const userId = await kit.past.viewer();
    const { orderId, transactionId } = await kit.past.topUp(userId, 1_000);
    const grantId = await kit.past.grant(userId);
    const found = async (caller: Caller, id: string) => (await kit.ask(caller, `{ node(id: "${id}") { __typename id } }`)).node;
    for (const [typeName, id] of [
      ['Order', orderId],
      ['Transaction', transactionId],
      ['Grant', grantId],
    ] as const) {
      expect(await found(as(userId), id)).toEqual({ __typename: typeName, id });
      expect(await found(admin, id.toUpperCase())).toEqual({ __typename: typeName, id });
      expect(await found(as(randomUUID()), id)).toBeNull();
      expect(await found({ userId: randomUUID(), role: 'SERVICE' }, id)).toBeNull();
      expect(await found({ userId: null, role: 'PUBLIC' }, id)).toBeNull();
    }
    expect(await found(admin, randomUUID())).toBeNull();
    expect(await found(admin, 'no uuid')).toBeNull();
  });
});
