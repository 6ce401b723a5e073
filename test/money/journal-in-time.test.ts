import { expect, test } from '@jest/globals';
import { MovableClock } from '../support/movable-clock.js';
import { Shop } from '../support/shop.js';
import { testServices } from '../support/test-services.js';

test("The journal's times do not run backwards when a worker whose clock is behind expires a grant", async () => {
  const shop = await Shop.open();
  try {
    const viewer = await shop.viewer(2_000);
    const behind = new MovableClock();
    behind.advanceDays(11);
    await shop.buy(viewer, await shop.desk.putOnSale(100, 10));
    shop.clock.advanceDays(12);
    await shop.buy(viewer, await shop.desk.putOnSale(100, 10));
    const worker = testServices({ database: shop.db.database, clock: behind });
    expect(await worker.grants.expireDue(10)).toBe(1);
    const entries = await shop.db.rows<{ at: Date; status: string }>(
      `select created_at as at, state ->> 'status' as status from journal where user_id = $1 order by sequence`,
      [viewer.userId],
    );
    expect(entries.at(-1)?.status).toBe('EXPIRED');
    const times = entries.map(({ at }) => at.getTime());
    expect(times).toEqual([...times].sort((one, other) => one - other));
    expect(await shop.discrepancies()).toEqual([]);
  } finally {
    await shop.close();
  }
});
