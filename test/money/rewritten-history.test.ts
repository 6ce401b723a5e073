import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '../../src/services/ids.js';
import type { Offer } from '../../src/services/purchases/offer.js';
import { CardShop } from '../support/card-shop.js';
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
