import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { requestOf } from '../../src/services/ledger/idempotency.js';
import type { JoinedTransaction } from '../../src/services/ledger/joined-transaction.js';
import type { Unit, Viewer } from '../../src/services/ledger/unit.js';
import type { Queryable, Statement } from '../../src/stores/database.js';
import { ADMIN, aKey, Shop } from '../support/shop.js';

const CREDIT = {
  kind: 'ADJUSTMENT',
  amount: 100,
  counterAccount: 'ADJUSTMENT',
  actorId: ADMIN.userId,
  textDigest: Buffer.from('test'),
} as const;
const lockOther: Statement = { name: 'test-lock-other', text: 'select 1 from balances where user_id = $1 for update' };
const hurry: Statement = { name: 'test-hurry', text: `set local deadlock_timeout = '10ms'` };

/** What follows a change of money: hints, metrics, wake-ups and reports. */
describe('what follows a commit', () => {
  let shop: Shop;
  let viewer: Viewer & { userId: string };
  let other: pg.Client;
  let otherId: string;
  const tasks: string[] = [];

  beforeAll(async () => {
    shop = await Shop.open();
    other = new pg.Client({ connectionString: shop.db.url });
    await other.connect();
  });
  beforeEach(async () => {
    viewer = { userId: (await shop.viewer(1_000)).userId, currency: 'USD' };
    otherId = (await shop.viewer(1_000)).userId;
    shop.desk.announced.length = 0;
    shop.desk.moved.length = 0;
    tasks.length = 0;
  });
  // The movements here are posted past the services that audit them.
  afterEach(async () => expect(await shop.discrepancies({ besides: ['MANUAL_CHANGE_HAS_ITS_AUDIT_ENTRY'] })).toEqual([]));
  afterAll(async () => {
    await other.end();
    await shop.close();
  });

  /** The first attempt, which holds the viewer, ends in a deadlock; the later ones succeed. */
  function deadlockOnce() {
    let attempts = 0;
    let block: (waiting: { query: Promise<unknown> }) => void;
    const blocked = new Promise<{ query: Promise<unknown> }>((resolve) => {
      block = resolve;
    });
    const work = async (tx: Queryable) => {
      attempts += 1;
      if (attempts > 1) return;
      await other.query(`begin; set local deadlock_timeout = '1min'`);
      await other.query('select 1 from balances where user_id = $1 for update', [otherId]);
      block({ query: other.query('select 1 from balances where user_id = $1 for update', [viewer.userId]) });
      await waitsForLock();
      await tx.query(hurry);
      await tx.query(lockOther, [otherId]);
    };
    /** The other transaction gets its lock when the first attempt has lost, and must let go for the second to have the viewer. */
    const end = async () => {
      await (await blocked).query;
      await other.query('rollback');
    };
    return { work, end, attempts: () => attempts };
  }

  async function waitsForLock(): Promise<void> {
    const { processID } = other as unknown as { processID: number };
    for (;;) {
      const [row] = await shop.db.rows<{ waits: boolean }>(
        `select wait_event_type = 'Lock' as waits from pg_stat_activity where pid = $1`,
        [processID],
      );
      if (row?.waits) return;
    }
  }

  async function through<Result>(deadlock: ReturnType<typeof deadlockOnce>, change: Promise<Result>): Promise<Result> {
    const [result] = await Promise.all([change, deadlock.end()]);
    return result;
  }

  const creditWith = async (unit: Unit) => {
    unit.afterCommit(() => tasks.push('woken'));
    return unit.post(CREDIT);
  };

  test('happens once for a change that ran again after a deadlock', async () => {
    const deadlock = deadlockOnce();
    const change = shop.desk.ledger.change(viewer, async (unit) => {
      await creditWith(unit);
      await deadlock.work(unit.tx);
    });
    await through(deadlock, change);
    expect(deadlock.attempts()).toBe(2);
    expect(tasks).toEqual(['woken']);
    expect(shop.desk.announced).toEqual([{ userId: viewer.userId, sequence: 2 }]);
    expect(shop.desk.moved).toEqual([{ kind: 'ADJUSTMENT', amount: 100, currency: 'USD' }]);
    expect(await shop.balance({ userId: viewer.userId, role: 'VIEWER' })).toMatchObject({ posted: 1_100, version: 2 });
  });

  test('happens once for a joined transaction that ran again, with its reports of the last attempt only', async () => {
    const deadlock = deadlockOnce();
    const opened = shop.desk.ledger.open(async (joined: JoinedTransaction) => {
      await shop.desk.ledger.change(viewer, creditWith, joined);
      joined.report('strange');
      await shop.desk.ledger.change(viewer, creditWith, joined);
      joined.afterCommit(() => tasks.push(...joined.problems));
      expect(shop.desk.announced).toEqual([]);
      await deadlock.work(joined.tx);
    });
    await through(deadlock, opened);
    expect(deadlock.attempts()).toBe(2);
    expect(tasks).toEqual(['woken', 'woken', 'strange']);
    expect(shop.desk.announced.map(({ sequence }) => sequence)).toEqual([2, 3]);
    expect(shop.desk.moved).toHaveLength(2);
  });

  test('happens once for an idempotent request that ran again, which stores one result', async () => {
    const deadlock = deadlockOnce();
    const request = requestOf(ADMIN, 'test', { idempotencyKey: aKey() });
    const work = async (unit: Unit) => {
      const id = await creditWith(unit);
      await deadlock.work(unit.tx);
      return { id };
    };
    const { id } = await through(deadlock, shop.desk.ledger.once(request, viewer, work));
    expect(await shop.desk.ledger.once(request, viewer, work)).toEqual({ id });
    expect(tasks).toEqual(['woken']);
    expect(shop.desk.moved).toHaveLength(1);
  });

  test('sees what was committed', async () => {
    const seen = new Promise<unknown>((resolve) => {
      void shop.desk.ledger.change(viewer, async (unit) => {
        const id = await unit.post(CREDIT);
        unit.afterCommit(() => resolve(shop.db.rows('select amount from transactions where id = $1', [id])));
      });
    });
    expect(await seen).toEqual([{ amount: 100 }]);
  });

  test('never happens when the work, or the commit itself, fails; nor does a place stay taken', async () => {
    await shop.db.rows(
      `create function refuse_commit() returns trigger language plpgsql as $$ begin raise 'not committed'; end $$`,
    );
    await shop.db.rows(
      `create constraint trigger refuse_commit after insert on transactions deferrable initially deferred for each row
       when (new.text_digest = 'refuse'::bytea) execute function refuse_commit()`,
    );
    for (let time = 1; time <= 5; time++) {
      const failing = shop.desk.ledger.change(viewer, async (unit) => {
        await creditWith(unit);
        throw new Error('as planned');
      });
      await expect(failing).rejects.toThrow('as planned');
      const uncommitted = shop.desk.ledger.change(viewer, (unit) => unit.post({ ...CREDIT, textDigest: Buffer.from('refuse') }));
      await expect(uncommitted).rejects.toThrow('not committed');
    }
    expect([tasks, shop.desk.announced, shop.desk.moved]).toEqual([[], [], []]);
    await shop.desk.ledger.change(viewer, creditWith);
    expect(shop.desk.announced).toEqual([{ userId: viewer.userId, sequence: 2 }]);
  });

  test('one key for two viewers at once moves the money of one of them, and both get its result', async () => {
    const request = requestOf(ADMIN, 'test', { idempotencyKey: aKey() });
    let both = 0;
    let met: () => void = () => undefined;
    const meeting = new Promise<void>((resolve) => {
      met = resolve;
    });
    const run = (userId: string) =>
      shop.desk.ledger.once(request, { userId, currency: 'USD' }, async (unit) => {
        both += 1;
        if (both === 2) met();
        await meeting;
        return { id: await creditWith(unit) };
      });
    const [one, two] = await Promise.all([run(viewer.userId), run(otherId)]);
    expect(one).toEqual(two);
    expect(both).toBe(2);
    expect(tasks).toEqual(['woken']);
    expect(shop.desk.announced).toHaveLength(1);
    expect(shop.desk.moved).toHaveLength(1);
  });
});
