import type { Balance } from '../../src/entities/balance.js';
import type { Grant } from '../../src/entities/grant.js';
import type { Order } from '../../src/entities/order.js';
import type { Refund } from '../../src/entities/refund.js';
import type { Caller } from '../../src/services/caller.js';
import { newId } from '../../src/services/ids.js';
import type { Offer } from '../../src/services/purchases/offer.js';
import { verifyLedger } from '../../src/services/verification/verify-ledger.js';
import { type MoneyDesk, openMoneyDesk } from './money-desk.js';
import { MovableClock } from './movable-clock.js';
import { type TestDatabase, testDatabase } from './test-database.js';

export const ADMIN: Caller = { userId: newId(), role: 'ADMIN' };
let keys = 0;

/** A new idempotency key. */
export const aKey = () => `key-${process.pid}-${++keys}`;

/** A shop without cards: a database, a clock that only moves when set, and the services that move money. Stripe is out of reach. */
export class Shop {
  protected constructor(
    readonly clock: MovableClock,
    readonly db: TestDatabase,
    readonly desk: MoneyDesk,
  ) {}

  static async open(): Promise<Shop> {
    const clock = new MovableClock();
    const db = await testDatabase();
    return new Shop(clock, db, openMoneyDesk({ database: db.database, clock }));
  }

  async close(): Promise<void> {
    await this.desk.close();
    await this.db.drop();
  }

  /** A viewer with money in the balance, put there by an admin. */
  async viewer(cents = 0): Promise<Caller & { userId: string }> {
    const viewer = { userId: newId(), role: 'VIEWER' as const };
    if (cents > 0) {
      await this.desk.adjustments.adjust(ADMIN, {
        userId: viewer.userId,
        amount: cents,
        currency: 'USD',
        reason: 'test',
        idempotencyKey: aKey(),
      });
    }
    return viewer;
  }

  buy(viewer: Caller, offer: Offer, idempotencyKey = aKey()) {
    return this.desk.purchases.purchase(viewer, { subscriptionId: offer.subscriptionId, payWith: 'BALANCE', idempotencyKey });
  }

  async grantOf(order: Order): Promise<Grant> {
    const [grant] = await this.db.rows<{ id: string; status: Grant['status'] }>(
      'select id, status from grants where order_id = $1',
      [order.id],
    );
    return grant as Grant;
  }

  async grantStatus(id: string): Promise<string | undefined> {
    return (await this.db.rows<{ status: string }>('select status from grants where id = $1', [id]))[0]?.status;
  }

  async refund(id: string): Promise<Pick<Refund, 'status' | 'stripeRefundId' | 'failureReason'>> {
    const [refund] = await this.db.rows<Refund>(
      'select status, stripe_refund_id as "stripeRefundId", failure_reason as "failureReason" from refunds where id = $1',
      [id],
    );
    return refund as Refund;
  }

  /** posted, held and version; zero before the first movement. */
  async balance(viewer: Caller): Promise<Pick<Balance, 'posted' | 'held' | 'version'>> {
    const [balance] = await this.db.rows<Balance>('select posted, held, version from balances where user_id = $1', [
      viewer.userId,
    ]);
    return balance ?? { posted: 0, held: 0, version: 0 };
  }

  /** What does not add up, from the first transaction on. `besides`: rules that a test has broken itself. */
  async discrepancies({ besides = [] }: { readonly besides?: readonly string[] } = {}) {
    const { discrepancies } = await verifyLedger(this.db.database);
    return discrepancies.filter(({ rule }) => !besides.includes(rule));
  }
}
