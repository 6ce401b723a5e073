import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { GraphQLObjectType, GraphQLSchema } from 'graphql';
import type { Order } from '../../src/entities/order.js';
import { composeSchema } from '../../src/gateway/graphql/schema.js';
import type { Caller } from '../../src/services/caller.js';
import { findGrant } from '../../src/services/grants/grants.js';
import { newId } from '../../src/services/ids.js';
import { Jobs } from '../../src/services/jobs/jobs.js';
import type { Offer } from '../../src/services/purchases/offer.js';
import { STRIPE_API_VERSION } from '../../src/stores/stripe.js';
import { CardShop } from '../support/card-shop.js';
import { findAfterDamage } from '../support/damage.js';
import { aKey } from '../support/shop.js';

type Viewer = Awaited<ReturnType<CardShop['viewer']>>;

interface Entry {
  readonly action: string;
  readonly requestId: string;
  readonly subjectId: string | null;
  readonly viewerId: string | null;
  readonly text: { reason?: string; before?: object; after?: object };
}

describe('The audit', () => {
  const admin: Caller = { userId: newId(), role: 'ADMIN', requestId: 'request-1' };
  let shop: CardShop;
  let plan: Offer;
  let viewer: Viewer;

  beforeAll(async () => {
    shop = await CardShop.open();
    plan = await shop.desk.putOnSale(100, 10);
    viewer = await shop.viewer();
  });
  afterAll(async () => {
    expect(await shop.discrepancies()).toEqual([]);
    await shop.close();
  });

  const entries = async (where = 'true') =>
    shop.db.rows<Entry>(
      `select action, request_id as "requestId", subject_id as "subjectId", viewer_id as "viewerId", t.text::jsonb as text
       from audit_entries a join erasable_texts t on t.digest = a.text_digest
       where actor_id = $1 and ${where} order by at, a.id`,
      [admin.userId],
    );
  const gift = (reason: string) =>
    shop.desk.grants.gift(admin, {
      userId: viewer.userId,
      subscriptionId: plan.subscriptionId,
      reason,
      idempotencyKey: aKey(),
    });

  it('says who adjusted a balance, why, and what it was before and after, once for each key', async () => {
    const input = { userId: viewer.userId, amount: 5_000, currency: 'USD', reason: 'a lost parcel', idempotencyKey: aKey() };
    const { transaction } = await shop.desk.adjustments.adjust(admin, input);
    await shop.desk.adjustments.adjust(admin, input);
    expect(await entries("action = 'adjustBalance'")).toEqual([
      {
        action: 'adjustBalance',
        requestId: 'request-1',
        subjectId: transaction?.id,
        viewerId: viewer.userId,
        text: { reason: 'a lost parcel', before: { posted: 0, held: 0 }, after: { posted: 5_000, held: 0 } },
      },
    ]);
    expect(transaction?.reason).toBe('a lost parcel');
  });

  it('keeps the reason of a gift when the gift is revoked for another', async () => {
    const { grant } = await gift('a birthday');
    const revoked = await shop.desk.grants.revoke(admin, { grantId: grant?.id as string, reason: 'a mistake' });
    expect(revoked.grant?.reason).toBe('a mistake');
    const reasons = (await entries(`subject_id = '${grant?.id}'`)).map(({ action, text }) => [action, text.reason]);
    expect(reasons).toEqual([
      ['giftGrant', 'a birthday'],
      ['revokeGrant', 'a mistake'],
    ]);
  });

  it('has nothing of what was refused', async () => {
    const before = (await entries()).length;
    const input = { userId: viewer.userId, amount: -1_000_000, currency: 'USD', reason: 'too much', idempotencyKey: aKey() };
    expect((await shop.desk.adjustments.adjust(admin, input)).errors).toMatchObject([{ code: 'INSUFFICIENT_FUNDS' }]);
    const none = { grantId: newId(), reason: 'no such grant' };
    expect((await shop.desk.grants.revoke(admin, none)).errors).toMatchObject([{ code: 'NOT_FOUND' }]);
    expect(await entries()).toHaveLength(before);
  });

  it('has an entry for each mutation that an admin may call', async () => {
    await everythingElse();
    const recorded = new Set((await entries()).map(({ action }) => action));
    expect([...recorded].sort()).toEqual(adminMutations(await composeSchema()));
  });

  it('has no entry for what viewers do themselves', async () => {
    const { order } = await openOrder();
    await shop.desk.purchases.cancelOrder(viewer, order.id);
    expect(await entries(`subject_id = '${order.id}'`)).toEqual([]);
  });

  it.each([
    ['an update', "update audit_entries set action = 'nothing'", 'history_is_immutable'],
    ['a deletion', 'delete from audit_entries', 'history_is_immutable'],
    ['a truncation', 'truncate audit_entries', 'history_is_immutable'],
    ['another text', "update erasable_texts set text = '{}'", 'texts_are_only_erased'],
    ['a text without its digest', 'delete from erasable_texts', 'texts_are_only_erased'],
  ])('is refused %s by the database', async (_what, statement, constraint) => {
    await expect(shop.db.rows(statement)).rejects.toMatchObject({ constraint });
  });

  it.each([
    ['an adjustment that nobody made', "delete from audit_entries where action = 'adjustBalance'"],
    ['an adjustment by somebody else', "update audit_entries set actor_id = gen_random_uuid() where action = 'adjustBalance'"],
    [
      'a gift that nobody gave',
      "delete from audit_entries where action = 'giftGrant' and subject_id in (select id from grants where status = 'ACTIVE')",
    ],
    ['a grant that nobody revoked', "delete from audit_entries where action = 'revokeGrant'"],
    ['an entry of what never happened', "update audit_entries set subject_id = gen_random_uuid() where action = 'adjustBalance'"],
  ])('lets the verification find %s', async (_what, statement) => {
    await gift('still there');
    const found = await findAfterDamage(shop.db.database, [statement]);
    expect(found.map(({ rule }) => rule)).toContain('MANUAL_CHANGE_HAS_ITS_AUDIT_ENTRY');
  });

  it('lets the verification find a reason that was rewritten', async () => {
    const found = await findAfterDamage(shop.db.database, [`update erasable_texts set text = '{"reason":"another"}'`]);
    expect(found.map(({ rule }) => rule)).toContain('TEXT_MATCHES_ITS_DIGEST');
  });

  it('stays provable when a text is erased, and the reason is gone', async () => {
    const { grant } = await gift('something personal');
    await shop.db.rows(
      `update erasable_texts set text = null, salt = null where digest = (select text_digest from grants where id = $1)`,
      [grant?.id],
    );
    expect(await shop.discrepancies()).toEqual([]);
    expect((await findGrant(shop.db.database, grant?.id as string))?.reason).toBeNull();
  });

  async function openOrder(): Promise<{ order: Order }> {
    const input = { subscriptionId: plan.subscriptionId, payWith: 'CARD' as const, idempotencyKey: aKey() };
    return (await shop.desk.purchases.purchase(viewer, input)) as { order: Order };
  }

  async function everythingElse(): Promise<void> {
    const { catalogueAdmin: catalogue, refunds, purchases, stripeInbox } = shop.desk;
    const { films } = await catalogue.createFilms(admin, [{ title: 'A film' }]);
    await catalogue.updateFilm(admin, { id: films[0]?.id as string, title: 'Another title' });
    const terms = { title: 'A plan', description: '', filmIds: films.map(({ id }) => id), pricePerDay: 100, durationDays: 10 };
    const { subscription } = await catalogue.createSubscription(admin, terms);
    const id = subscription?.id as string;
    await catalogue.updateSubscription(admin, { id, title: 'A better plan' });
    await catalogue.activateSubscription(admin, id);
    await catalogue.archiveSubscription(admin, id);
    const bought = await shop.grantOf(await shop.buyByCard(viewer, plan));
    await refunds.refundGrant(admin, { grantId: bought.id, idempotencyKey: aKey() });
    const topUp = await shop.topUp(viewer, 2_000);
    const [row] = await shop.db.rows<{ id: string }>("select id from transactions where order_id = $1 and kind = 'TOP_UP'", [
      topUp.id,
    ]);
    await refunds.refundTransaction(admin, { transactionId: row?.id as string, amount: 500, idempotencyKey: aKey() });
    await purchases.cancelOrder(admin, (await openOrder()).order.id);
    const payload = { livemode: false, type: 'charge.refunded', api_version: STRIPE_API_VERSION, data: { object: {} } };
    await shop.db.rows(
      `insert into stripe_events (id, stripe_id, type, status, payload, received_at)
       values ($1, 'evt_1', 'charge.refunded', 'FAILED', $2, now())`,
      [newId(), payload],
    );
    const [event] = await shop.db.rows<{ id: string }>('select id from stripe_events');
    await stripeInbox.replay(admin, event?.id as string);
    const scheduler = {
      schedules: [{ name: 'sweep', schedule: { everyMs: 1_000 } }],
      scheduledJobs: async () => new Map(),
      startNow: async () => {},
    };
    const states = { all: async () => [] };
    await new Jobs(scheduler as never, states as never, shop.db.database, shop.clock).run(admin, 'sweep');
  }
});

/** The mutations that the contract allows to admins. */
function adminMutations(schema: GraphQLSchema): string[] {
  const fields = Object.values((schema.getMutationType() as GraphQLObjectType).getFields());
  const allowedToAdmins = fields.filter(({ astNode }) =>
    astNode?.directives?.some(({ arguments: given }) => JSON.stringify(given).includes('"ADMIN"')),
  );
  return allowedToAdmins.map(({ name }) => name).sort();
}
