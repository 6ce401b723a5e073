import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '../../src/services/ids.js';
import type { Offer } from '../../src/services/purchases/offer.js';
import { CardShop } from '../support/card-shop.js';
import { findAfterDamage } from '../support/damage.js';
import { ADMIN, aKey } from '../support/shop.js';

type Viewer = Awaited<ReturnType<CardShop['viewer']>>;

interface Entry {
  readonly sequence: number;
  readonly kind: string;
  readonly version: number | null;
  readonly posted: number | null;
  readonly state: Record<string, unknown> | null;
}

describe('The journal of a viewer', () => {
  let shop: CardShop;
  let plan: Offer;
  let viewer: Viewer;

  beforeAll(async () => {
    shop = await CardShop.open();
    plan = await shop.desk.putOnSale(100, 10);
    viewer = await shop.viewer(5_000);
    await shop.buy(viewer, plan);
    const { id } = await shop.grantOf(await shop.buyByCard(viewer, plan));
    shop.sandbox.control.addFault({ kind: 'refund_pending', count: 1 });
    await shop.desk.refunds.refundGrant(viewer, { grantId: id, idempotencyKey: aKey() });
    const disputed = await shop.buyByCard(viewer, plan);
    const { control } = shop.sandbox;
    const dispute = control.openDispute({ paymentIntent: disputed.stripePaymentIntentId as string, reason: 'fraudulent' });
    await shop.desk.disputes.applyDispute(await shop.stripe.disputes.retrieve(dispute.id), null);
  });
  afterAll(() => shop.close());

  const entries = () =>
    shop.db.rows<Entry>('select sequence, kind, version, posted::int, state from journal where user_id = $1 order by sequence', [
      viewer.userId,
    ]);
  const brokenBy = async (...statements: string[]) =>
    [...new Set((await findAfterDamage(shop.db.database, statements)).map(({ rule }) => rule))].sort();
  const refused = (statement: string) =>
    shop.db.rows(statement).then(
      () => null,
      (error: { constraint?: string }) => error.constraint,
    );

  it('has an entry for each movement and for each other thing that a change left different, in order', async () => {
    const summary = (await entries()).map(({ kind, version, posted, state }) =>
      [kind, version && `${version}:${posted}`, state?.status ?? state?.outcome].filter(Boolean).join(' '),
    );
    expect(summary).toEqual([
      'MOVEMENT 1:5000',
      'MOVEMENT 2:4000',
      'GRANT ACTIVE',
      'ORDER OPEN',
      'MOVEMENT 3:5000',
      'MOVEMENT 4:4000',
      'ORDER PAID',
      'GRANT ACTIVE',
      'MOVEMENT 5:4900',
      'HOLD 6:4900 PENDING',
      'REFUND PENDING',
      'GRANT REFUNDED',
      'REFUND PENDING',
      'ORDER OPEN',
      'MOVEMENT 7:5900',
      'MOVEMENT 8:4900',
      'ORDER PAID',
      'GRANT ACTIVE',
      'MOVEMENT 9:5900',
      'MOVEMENT 10:4900',
      'DISPUTE OPEN',
      'GRANT SUSPENDED',
    ]);
  });

  it('gets no entry for news that changes nothing', async () => {
    const before = await entries();
    const [dispute] = await shop.db.rows<{ id: string }>('select stripe_dispute_id as id from disputes');
    await shop.desk.disputes.applyDispute(await shop.stripe.disputes.retrieve(dispute?.id as string), null);
    expect(await entries()).toEqual(before);
  });

  it.each([
    ['an update', "update journal set created_at = now() where kind = 'GRANT'"],
    ['a deletion', "delete from journal where kind = 'GRANT'"],
    ['a truncation', 'truncate journal'],
  ])('is refused %s by the database', async (_what, statement) => {
    expect(await refused(statement)).toBe('history_is_immutable');
  });

  it.each(['transactions', 'grants', 'orders', 'refunds', 'holds', 'disputes', 'balances', 'subscription_versions'])(
    'is not the only history that cannot be truncated: %s',
    async (table) => {
      expect(await refused(`truncate ${table} cascade`)).toBe('history_is_immutable');
    },
  );

  it('is refused an entry that leaves a gap, and a second genesis', async () => {
    const insert = (sequence: string, kind = 'GRANT') =>
      `insert into journal (user_id, sequence, kind, subject_id, digest, created_at)
       select user_id, ${sequence}, '${kind}', ${kind === 'GENESIS' ? 'null' : `'${newId()}'`}, '', now()
       from balances where user_id = '${viewer.userId}'`;
    expect(await refused(insert('journal_sequence + 2'))).toBe('journal_is_gapless');
    expect(await refused(insert('journal_sequence + 2', 'GENESIS'))).toBe('journal_is_gapless');
    expect(await refused(insert('1'))).toBe('journal_is_gapless');
  });

  describe('lets the verification find, after damage that no trigger refused,', () => {
    const hashAgain = `update journal e set hash = sha256(p.hash || record_send(row(e.form, e.user_id, e.sequence, e.kind, e.subject_id,
      e.version, e.posted, e.held, e.state, e.digest, e.actor_id, e.created_at))) from journal p
      where p.user_id = e.user_id and p.sequence = e.sequence - 1 and e.sequence = 3`;
    const one = (table: string, condition = 'true') =>
      `where id = (select id from ${table} where ${condition} order by id limit 1)`;

    it.each<[string, string[], string[]]>([
      ['a grant set back to ACTIVE', [`update grants set status = 'ACTIVE' ${one('grants', "status = 'SUSPENDED'")}`], ['GRANT']],
      [
        'a grant extended by a year',
        [`update grants set available_until = available_until + interval '1 year' ${one('grants', "paid_with = 'BALANCE'")}`],
        ['GRANT'],
      ],
      ['a grant that began earlier', [`update grants set starts_at = starts_at - interval '1 day' ${one('grants')}`], ['GRANT']],
      ['a grant of another version', [`update grants set version_id = gen_random_uuid() ${one('grants')}`], ['GRANT']],
      ['a deleted refund', ['delete from refunds'], ['REFUND']],
      ['a deleted dispute', ['delete from disputes'], ['DISPUTE']],
      ['a deleted order', [`delete from orders ${one('orders')}`], ['ORDER']],
      ['a deleted hold', ['delete from holds'], ['HOLD']],
      [
        'an order that nobody opened',
        [`insert into orders select gen_random_uuid(), ${columnsOf('orders')} from orders limit 1`],
        ['ORDER'],
      ],
      ['an order of another amount', [`update orders set amount = amount + 1 ${one('orders')}`], ['ORDER']],
      ['a swapped counter account', [`update transactions set counter_account = 'STRIPE' where kind = 'REFUND'`], ['MOVEMENT']],
      [
        'a movement dated differently',
        ["update transactions set created_at = created_at - interval '1 day' where version = 2"],
        ['MOVEMENT'],
      ],
      [
        'another actor of an adjustment',
        ["update transactions set actor_id = gen_random_uuid() where kind = 'ADJUSTMENT'"],
        ['MOVEMENT'],
      ],
      ['a balance that skipped a version', ['update balances set version = version + 1'], ['BALANCE']],
    ])('%s', async (_damage, statements, subjects) => {
      const found = await brokenBy(...statements);
      expect(found).toEqual(expect.arrayContaining(subjects.map((subject) => `JOURNAL_HAS_EACH_${subject}`)));
    });

    it.each<[string, string[], string]>([
      ['an entry that says something else', ["update journal set state = '{}' where sequence = 3"], 'JOURNAL_IS_CHAINED'],
      [
        'an entry dated differently',
        ["update journal set created_at = created_at + interval '1 day' where sequence = 3"],
        'JOURNAL_IS_CHAINED',
      ],
      ['an entry in an unknown form', ['update journal set form = 2 where sequence = 3'], 'JOURNAL_IS_CHAINED'],
      [
        'an entry rewritten together with its hash',
        ["update journal set state = '{}' where sequence = 3", hashAgain],
        'JOURNAL_IS_CHAINED',
      ],
      ['a missing entry', ['delete from journal where sequence = 3'], 'JOURNAL_IS_GAPLESS'],
      ['a missing first entry', ['delete from journal where sequence = 1'], 'JOURNAL_IS_GAPLESS'],
      ['a missing last entry', ['delete from journal where sequence = 22'], 'JOURNAL_IS_GAPLESS'],
      ['an entry after the last one', ['update balances set journal_sequence = journal_sequence - 1'], 'JOURNAL_IS_GAPLESS'],
      [
        'an entry of a balance that never was',
        ['update journal set posted = posted + 1 where version = 10'],
        'JOURNAL_HAS_EACH_BALANCE',
      ],
    ])('%s', async (_damage, statements, rule) => {
      expect(await brokenBy(...statements)).toContain(rule);
    });
  });

  it('continues in one chain when many change the viewer at once', async () => {
    const rich = await shop.viewer(100_000);
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        index % 2 === 0
          ? shop.buy(rich, plan)
          : shop.desk.grants.gift(ADMIN, {
              userId: rich.userId,
              subscriptionId: plan.subscriptionId,
              reason: 'at the same time',
              idempotencyKey: aKey(),
            }),
      ),
    );
    expect(await shop.discrepancies()).toEqual([]);
  });
});

/** All columns of the table but the id. */
function columnsOf(table: 'orders'): string {
  return {
    orders: `user_id, kind, 'EXPIRED', amount, currency, version_id, created_at, expires_at, null, closed_at, return_url, null, null,
      null, null, failure_reason, null, 1, null, null`,
  }[table];
}
