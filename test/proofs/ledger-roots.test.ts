import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newId } from '../../src/services/ids.js';
import { runJob } from '../support/run-job.js';
import { isProven, isSignatureOf, leafOf, merkleRoot, type Proof, type Root, rootWith } from './independent.js';
import { RootsScene } from './roots-scene.js';

let scene: RootsScene;
beforeAll(async () => {
  scene = await RootsScene.open();
});
afterAll(() => scene.close());

interface Entry {
  readonly userId: string;
  readonly sequence: number;
  readonly head: string;
}

/** The last entry of each viewer, by viewer. */
const lastEntries = () =>
  scene.shop.db.rows<Entry>(`select distinct on (user_id) user_id as "userId", sequence, encode(hash, 'hex') as head
    from journal order by user_id, sequence desc`);
const refused = (statement: string) =>
  scene.shop.db.rows(statement).then(
    () => null,
    (error: { constraint?: string }) => error.constraint,
  );
const proofOf = async (userId: string) => (await scene.services().proofs.ofViewers([userId]))[0];
/** As a client gets it. */
const asJson = (proof: unknown) => JSON.parse(JSON.stringify(proof)) as Proof;

describe('A root of the ledger', () => {
  test('is over the last entry of every viewer, in more blocks than one, and follows the root before it', async () => {
    const viewers = await Promise.all(Array.from({ length: 300 }, () => scene.shop.viewer(1_000)));
    await scene.settled();
    const first = await scene.sign();
    expect(first).toMatchObject({ signed: { number: 1, heads: 300, previousRoot: null }, handedOutCount: 1 });
    await scene.shop.buy(viewers[7] as never, await scene.shop.desk.putOnSale(10, 10));
    const entries = await lastEntries();
    await scene.settled();
    const second = await scene.signNext();
    expect(second?.signed).toMatchObject({ number: 2, heads: 300, previousRoot: first?.signed?.root });
    const leaves = entries.map(({ userId, sequence, head }) => leafOf(userId, sequence, head));
    expect(rootWith(merkleRoot(leaves), scene.handedOut()[1] as Root)).toBe(second?.signed?.root);
    const blocks = await scene.shop.db.rows('select place from ledger_root_heads where root_id = $1', [second?.signed?.id]);
    expect(blocks).toHaveLength(2);
  });

  test('is handed to the operator as a line that proves itself', () => {
    const lines = scene.handedOut();
    expect(lines).toHaveLength(2);
    for (const line of lines) {
      expect(isSignatureOf(line)).toBe(true);
      expect(rootWith(Buffer.from(line.headsRoot, 'hex'), line)).toBe(line.root);
      expect(rootWith(Buffer.from(line.headsRoot, 'hex'), { ...line, cut: `${line.cut}0` })).not.toBe(line.root);
    }
  });

  test('proves to each viewer their own history, by a path that anyone can follow', async () => {
    const userIds = (await lastEntries()).map(({ userId }) => userId);
    const proofs = await scene.services().proofs.ofViewers(userIds);
    for (const [index, userId] of userIds.entries())
      expect([userId, isProven(userId, asJson(proofs[index]))]).toEqual([userId, true]);
    const [proof, other] = [asJson(proofs[0]), userIds[1] as string];
    expect(isProven(other, proof)).toBe(false);
    expect(isProven(userIds[0] as string, { ...proof, sequence: proof.sequence + 1 })).toBe(false);
    expect(isProven(userIds[0] as string, { ...proof, head: 'ab'.repeat(32) })).toBe(false);
    expect(isProven(userIds[0] as string, { ...proof, root: { ...proof.root, heads: proof.root.heads + 1 } })).toBe(false);
  });

  test('does not have a viewer who came later: the proof is the current head then; without a journal there is none', async () => {
    const newcomer = await scene.shop.viewer(500);
    const [entry] = (await lastEntries()).filter(({ userId }) => userId === newcomer.userId);
    expect(await proofOf(newcomer.userId)).toEqual({ head: entry?.head, sequence: entry?.sequence, root: null, path: [] });
    expect(await proofOf(newId())).toBeNull();
  });

  test('leaves out what may still be rolled back or come before it, and the next one has it', async () => {
    const viewer = await scene.shop.viewer(1_000);
    await scene.settled();
    const open = await scene.shop.db.database.pool.connect();
    let during: Awaited<ReturnType<RootsScene['signNext']>>;
    try {
      await open.query('begin');
      await open.query('select pg_current_xact_id()');
      await scene.shop.buy(viewer, await scene.shop.desk.putOnSale(10, 10));
      during = await scene.signNext();
    } finally {
      await open.query('rollback');
      open.release();
    }
    const before = await proofOf(viewer.userId);
    expect(before).toMatchObject({ sequence: 1, root: { id: during?.signed?.id } });
    expect(isProven(viewer.userId, asJson(before))).toBe(true);
    await scene.settled();
    await scene.signNext();
    const [entry] = (await lastEntries()).filter(({ userId }) => userId === viewer.userId);
    expect(await proofOf(viewer.userId)).toMatchObject({ sequence: entry?.sequence, head: entry?.head });
  });

  test('is never changed, removed or followed by two', async () => {
    expect(await refused("update ledger_roots set root = repeat('a', 64)")).toBe('history_is_immutable');
    expect(await refused('delete from ledger_roots')).toBe('history_is_immutable');
    expect(await refused('truncate ledger_roots cascade')).toBe('history_is_immutable');
    expect(await refused('update ledger_root_handovers set handed_out_at = now()')).toBe('history_is_immutable');
    expect(await refused('delete from ledger_root_handovers')).toBe('history_is_immutable');
    expect(await refused('truncate ledger_root_handovers')).toBe('history_is_immutable');
    const columns = 'form, root, previous_root, heads_root, cut, heads, signed_at, public_key, signature';
    const copy = (number: string, previous = 'previous_root') => `insert into ledger_roots (id, number, ${columns})
      select gen_random_uuid(), ${number}, ${columns.replace('previous_root', previous)} from ledger_roots where number = 2`;
    expect(await refused(copy('2'))).toBe('ledger_roots_form_a_chain');
    expect(await refused(copy('(select max(number) + 1 from ledger_roots)'))).toBe('ledger_roots_form_a_chain');
    const last = '(select root from ledger_roots order by number desc limit 1)';
    expect(await refused(copy('(select max(number) + 2 from ledger_roots)', last))).toBe('ledger_roots_form_a_chain');
  });

  test('is signed once when two workers sign at the same time', async () => {
    scene.shop.clock.advanceDays(1);
    const before = scene.handedOut().length;
    const runs = await Promise.allSettled([scene.sign(), scene.sign()]);
    expect(runs.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(1);
    const numbers = await scene.shop.db.rows<{ number: number }>('select number from ledger_roots order by number');
    expect(numbers.map(({ number }) => number)).toEqual(numbers.map((_, index) => index + 1));
    expect(scene.handedOut().length).toBeGreaterThan(before);
    expect(await scene.services().rootVerification.verify(scene.handedOutText())).toMatchObject({ discrepancies: [] });
  });

  test('keeps the heads of the newest roots only', async () => {
    await scene.signNext();
    const kept = await scene.shop.db.rows<{ number: number }>(
      'select distinct number from ledger_root_heads join ledger_roots on id = root_id order by number',
    );
    const [last] = await scene.shop.db.rows<{ number: number }>('select max(number) as number from ledger_roots');
    expect(kept.map(({ number }) => number)).toEqual([(last?.number as number) - 1, last?.number]);
    const orphans = await scene.shop.db.rows('select from ledger_root_heads where root_id not in (select id from ledger_roots)');
    expect(orphans).toHaveLength(0);
  });
});

test('A run that was stopped between the heads and their root leaves no root, and the next one removes its heads', async () => {
  let steps = 0;
  const stopped = {
    throwIfAborted() {
      steps += 1;
      if (steps === 2) throw new Error('the worker stops');
    },
  } as AbortSignal;
  scene.shop.clock.advanceDays(1);
  const [before] = await scene.shop.db.rows('select max(number) as number from ledger_roots');
  await expect(scene.services().ledgerRoots.run(stopped)).rejects.toThrow('the worker stops');
  const orphans = () => scene.shop.db.rows('select from ledger_root_heads where root_id not in (select id from ledger_roots)');
  expect(await orphans()).toHaveLength(1);
  expect(await scene.shop.db.rows('select max(number) as number from ledger_roots')).toEqual([before]);
  await scene.sign();
  expect(await orphans()).toHaveLength(0);
});

describe('A root that could not be handed out', () => {
  const failing = () => scene.services({ LEDGER_ROOT_COMMAND: 'exit 1' });
  const numbers = async () => (await scene.shop.db.rows<{ number: number }>('select number from ledger_roots')).length;

  test('is handed out by the next run, which signs no other one in the same night', async () => {
    const before = { signed: await numbers(), handedOut: scene.handedOut().length };
    await expect(scene.signNext(failing())).rejects.toThrow('LEDGER_ROOT_COMMAND ended with 1');
    await expect(scene.sign(failing())).rejects.toThrow('LEDGER_ROOT_COMMAND ended with 1');
    expect(await numbers()).toBe(before.signed + 1);
    expect(await scene.sign()).toMatchObject({ signed: null, handedOutCount: 1 });
    expect(scene.handedOut()).toHaveLength(before.handedOut + 1);
    expect(await scene.sign()).toMatchObject({ signed: { number: before.signed + 2 }, handedOutCount: 1 });
  });

  test('proves nothing yet: proofs lead to the last one that was', async () => {
    const [{ userId }] = (await lastEntries()) as [Entry];
    const known = await proofOf(userId);
    await expect(scene.signNext(failing())).rejects.toThrow();
    expect(await proofOf(userId)).toEqual(known);
    expect(isProven(userId, asJson(await proofOf(userId)))).toBe(true);
  });

  test('is handed out before the one of the next night', async () => {
    const before = scene.handedOut().length;
    const run = await scene.signNext();
    expect(run?.handedOutCount).toBe(2);
    const [waited, own] = scene.handedOut().slice(before);
    expect([waited?.root, own?.root]).toEqual([own?.previousRoot, run?.signed?.root]);
  });
});

test('A journal restored from another server, whose positions this one has not reached, is not signed without them', async () => {
  const viewer = await scene.shop.viewer(100);
  await scene.shop.db.pastTriggers(
    `update journal set position = (pg_current_xact_id()::text::bigint + 1000000)::text::xid8 where user_id = '${viewer.userId}'`,
  );
  await expect(scene.signNext()).rejects.toThrow('of another Postgres server');
  await scene.shop.db.pastTriggers(`update journal set position = '3'::xid8 where user_id = '${viewer.userId}'`);
  expect((await scene.sign())?.signed).toBeTruthy();
});

describe('The job that signs roots', () => {
  test('reports the root', async () => {
    scene.shop.clock.advanceDays(1);
    expect(await runJob('sign-ledger-root', scene.services())).toMatch(/^root \d+ over 30\d journals, 1 handed out$/);
  });

  test('warns that there is no key, and does nothing', async () => {
    const warnings: string[] = [];
    const withoutKey = { ledgerRoots: { run: async () => null } };
    const report = await runJob('sign-ledger-root', withoutKey, { context: { warn: (text) => void warnings.push(text) } });
    expect(report).toBe('no root: LEDGER_ROOT_PRIVATE_KEY is not set');
    expect(warnings).toEqual(['no root of the ledger is signed: LEDGER_ROOT_PRIVATE_KEY is not set']);
  });
});
