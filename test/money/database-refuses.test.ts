import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Caller } from '../../src/services/caller.js';
import { newId } from '../../src/services/ids.js';
import type { Offer } from '../../src/services/purchases/offer.js';
import { CardShop } from '../support/card-shop.js';
import { aKey } from '../support/shop.js';

describe('the database alone refuses', () => {
  let shop: CardShop;
  let viewer: Caller & { userId: string };
  let offer: Offer;
  beforeAll(async () => {
    shop = await CardShop.open();
    offer = await shop.desk.putOnSale(100, 10);
    viewer = await shop.viewer(5000);
    await shop.buy(viewer, offer);
    const order = await shop.topUp(viewer, 2000);
    const [topUp] = await shop.db.rows<{ id: string }>("select id from transactions where kind = 'TOP_UP'");
    await shop.desk.refunds.refundTransaction(viewer, {
      transactionId: topUp?.id as string,
      amount: 500,
      idempotencyKey: aKey(),
    });
    expect(order.status).toBe('PAID');
  });
  afterAll(() => shop.close());

  const refused = (statement: string, values: unknown[] = []) =>
    shop.db.rows(statement, values).then(
      () => 'done',
      (error: { constraint?: string }) => error.constraint,
    );

  test('an overdraft', async () => {
    expect(await refused('update balances set posted = -1, version = version + 1 where user_id = $1', [viewer.userId])).toBe(
      'balances_never_overdrawn',
    );
    expect(await refused('update balances set held = 1000000, version = version + 1 where user_id = $1', [viewer.userId])).toBe(
      'balances_never_overdrawn',
    );
  });
  test('a balance that begins below zero', async () => {
    const insert =
      "insert into balances (user_id, currency, posted, created_at, updated_at) values ($1, 'USD', -1, now(), now())";
    expect(await refused(insert, [newId()])).toBe('balances_never_overdrawn');
  });
  test('a change or a removal of a transaction', async () => {
    expect(await refused('update transactions set amount = amount + 1')).toBe('transactions_are_immutable');
    expect(await refused('delete from transactions')).toBe('transactions_are_immutable');
  });
  test('a second posting for the same payment', async () => {
    const again = `insert into transactions select gen_random_uuid(), user_id, kind, amount, currency, balance_after, 1000, counter_account,
      created_at, order_id, grant_id, refund_id, dispute_id, stripe_payment_intent_id, actor_id, text_digest from transactions where kind = 'TOP_UP'`;
    expect(await refused(again)).toBe('transactions_one_top_up_per_payment');
  });
  test('a hold resolved twice', async () => {
    expect(await refused("update holds set status = 'RELEASED'")).toBe('holds_resolve_once');
    expect(await refused('delete from holds')).toBe('holds_resolve_once');
  });
  test('a refund beyond what was captured', async () => {
    const more = `insert into refunds (id, user_id, origin, destination, status, amount, currency, order_id, created_at)
      select gen_random_uuid(), user_id, 'STRIPE', 'CARD', 'PENDING', 1501, currency, order_id, now() from refunds`;
    expect(await refused(more)).toBe('refunds_within_capture');
  });
  test('a refund that comes back from SUCCEEDED', async () => {
    expect(await refused("update refunds set status = 'PENDING'")).toBe('refunds_move_forward');
  });
  test('a paid order that is not paid any more', async () => {
    expect(await refused("update orders set status = 'OPEN', captured_amount = null, paid_at = null")).toBe(
      'orders_paid_is_final',
    );
  });
  test('a grant without its spending, and a gift without a reason', async () => {
    const insert = (
      paidWith: string,
    ) => `insert into grants (id, user_id, version_id, status, paid_with, price_per_day, duration_days, currency,
      granted_at, starts_at, available_until) values ($1, $2, $3, 'ACTIVE', '${paidWith}', 1, 1, 'USD', now(), now(), now() + interval '1 day')`;
    expect(await refused(insert('BALANCE'), [newId(), viewer.userId, offer.versionId])).toBe('grants_paid_or_given');
    expect(await refused(insert('GIFT'), [newId(), viewer.userId, offer.versionId])).toBe('grants_paid_or_given');
  });
  test('a second spending for a grant', async () => {
    const again = `insert into transactions (id, user_id, kind, amount, currency, balance_after, version, counter_account, created_at, grant_id)
      select gen_random_uuid(), user_id, kind, amount, currency, balance_after, 1001, counter_account, created_at, grant_id
      from transactions where kind = 'SPENDING'`;
    expect(await refused(again)).toBe('transactions_one_spending_per_grant');
  });
  test('a change of what was sold', async () => {
    expect(await refused('update subscription_versions set duration_days = 11, price_per_day = price / 11')).toBe(
      'versions_are_immutable',
    );
    expect(await refused('delete from subscription_version_films')).toBe('version_films_are_immutable');
    const film = newId();
    await shop.db.rows("insert into films (id, title, created_at, updated_at) values ($1, 'New', now(), now())", [film]);
    const add = 'insert into subscription_version_films (version_id, film_id) values ($1, $2)';
    expect(await refused(add, [offer.versionId, film])).toBe('version_films_are_immutable');
  });
  test('and after all that the ledger still adds up', async () => {
    expect(await shop.discrepancies()).toEqual([]);
  });
});
