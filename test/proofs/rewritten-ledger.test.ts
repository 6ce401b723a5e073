import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Caller } from '../../src/services/caller.js';
import { isSignatureOf } from './independent.js';
import { aPrivateKey, RootsScene } from './roots-scene.js';

let scene: RootsScene;
let viewer: Caller & { userId: string };
let rootText: string;

beforeAll(async () => {
  scene = await RootsScene.open();
  viewer = await scene.shop.viewer(5_000);
  await scene.shop.viewer(1_000);
  await scene.shop.buy(viewer, await scene.shop.desk.putOnSale(10, 10));
  await scene.settled();
  await scene.sign();
  await scene.signNext();
  rootText = scene.handedOutText();
});
afterAll(() => scene.close());

const verify = (text = rootText, publicKey?: string) => scene.services().rootVerification.verify(text, { publicKey });
const lines = () => rootText.trim().split('\n');
/** The file with one property of one line changed. */
const changed = (index: number, change: Record<string, unknown>) =>
  lines()
    .map((line, place) => (place === index ? JSON.stringify({ ...JSON.parse(line), ...change }) : line))
    .join('\n');
const rules = async (text: string, publicKey?: string) => (await verify(text, publicKey)).discrepancies.map(({ rule }) => rule);

describe('Roots that were handed out', () => {
  test('agree with journals that were only continued', async () => {
    await scene.shop.buy(viewer, await scene.shop.desk.putOnSale(10, 10));
    expect(await verify()).toEqual({ rootsChecked: 2, discrepancies: [] });
  });

  test('may be read one by one, as a list, and from a file that misses those between them', async () => {
    await scene.settled();
    await scene.signNext();
    await scene.settled();
    await scene.signNext();
    const all = scene.handedOutText().trim().split('\n');
    expect(await verify(JSON.stringify(JSON.parse(all[3] as string), null, 2))).toEqual({ rootsChecked: 1, discrepancies: [] });
    expect(await verify(`[${all.join(',')}]`)).toEqual({ rootsChecked: 4, discrepancies: [] });
    expect(await verify(`${all[0]}\n${all[3]}\n`)).toEqual({ rootsChecked: 2, discrepancies: [] });
  });

  test('are refused when they say something else than what was signed', async () => {
    for (const change of [
      { cut: '3' },
      { heads: 1 },
      { previousRoot: 'ab'.repeat(32) },
      { signedAt: '2020-01-01T00:00:00.000Z' },
    ])
      expect(await rules(changed(1, change))).toContain('ROOT_IS_SIGNED');
    expect(await rules(changed(1, { headsRoot: 'ab'.repeat(32) }))).toEqual(['ROOT_IS_SIGNED']);
    expect(await rules(changed(1, { signature: JSON.parse(lines()[0] as string).signature }))).toEqual(['ROOT_IS_SIGNED']);
    expect(await rules(changed(1, { root: 'ab'.repeat(32) }))).toContain('ROOTS_FORM_A_CHAIN');
  });

  test('are refused when another key signed them than the one that is expected', async () => {
    const own = JSON.parse(lines()[0] as string).publicKey;
    expect(await rules(rootText, own)).toEqual([]);
    expect(await rules(rootText, 'MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=')).toEqual([
      'ROOT_IS_SIGNED',
      'ROOT_IS_SIGNED',
    ]);
  });

  test('are reported by line when they are none', async () => {
    const { rootsChecked, discrepancies } = await verify(`${lines()[0]}\n{"form":1}\nnonsense\n${lines()[1]}\n`);
    expect(rootsChecked).toBe(2);
    expect(discrepancies.map(({ found }) => found)).toEqual(['line 2 is not one', 'line 3 is not one']);
    expect(await rules('')).toEqual(['ROOT_IS_SIGNED']);
  });

  test('must be in the database, so that one that was signed elsewhere is not taken for it', async () => {
    const elsewhere = await RootsScene.open();
    try {
      await elsewhere.sign();
      expect(elsewhere.handedOut().every(isSignatureOf)).toBe(true);
      expect(await rules(elsewhere.handedOutText())).toContain('ROOTS_FORM_A_CHAIN');
    } finally {
      await elsewhere.close();
    }
  });
});

describe('A history that the owner of the database rewrote, with every hash computed again,', () => {
  beforeAll(() => scene.rewrite(viewer.userId, 700));

  test('is found by nothing that trusts the database alone', async () => {
    expect(await scene.shop.balance(viewer)).toMatchObject({ posted: 5_500 });
    expect(await scene.shop.discrepancies()).toEqual([]);
  });

  test('is found by the newest roots, which name the viewer', async () => {
    const newest = scene.handedOutText().trim().split('\n').at(-1) as string;
    const { discrepancies } = await verify(newest);
    expect(discrepancies).toEqual([
      {
        userId: viewer.userId,
        rule: 'ROOT_COVERS_EACH_HEAD',
        expected: expect.stringMatching(/^entry \d+ with hash [0-9a-f]{64}$/),
        found: expect.stringMatching(/^hash [0-9a-f]{64}$/),
      },
    ]);
  });

  test('is found by older roots, whose heads are not kept, by the root alone', async () => {
    const { discrepancies } = await verify(lines()[0]);
    expect(discrepancies).toMatchObject([
      { userId: null, rule: 'ROOT_COVERS_EACH_HEAD', expected: expect.stringContaining(JSON.parse(lines()[0] as string).root) },
    ]);
  });

  test('is found by roots from before it also after later roots have committed to it', async () => {
    await scene.signNext();
    const all = scene.handedOutText();
    expect(await rules(all.trim().split('\n').at(-1) as string)).toEqual([]);
    expect(await rules(all)).toEqual(Array.from({ length: 4 }, () => 'ROOT_COVERS_EACH_HEAD'));
  });

  test('is found even if the stored heads were changed with it', async () => {
    const before = scene.handedOutText().trim().split('\n')[3] as string;
    await scene.shop.db.pastTriggers(
      `update ledger_root_heads set heads = (select heads from ledger_root_heads where root_id <> '${JSON.parse(before).id}' limit 1)`,
    );
    expect(await verify(before)).toMatchObject({ discrepancies: [{ userId: null, rule: 'ROOT_COVERS_EACH_HEAD' }] });
  });

  test('is found if the owner signs all roots again with another key, or deletes the viewer', async () => {
    const own = JSON.parse(lines()[0] as string).publicKey;
    await scene.shop.db.pastTriggers(
      'delete from ledger_root_handovers; delete from ledger_roots; delete from ledger_root_heads',
    );
    const forged = scene.services({ LEDGER_ROOT_PRIVATE_KEY: aPrivateKey(), LEDGER_ROOT_FILE: `${scene.file}.forged` });
    await scene.sign(forged);
    expect(await rules(rootText, own)).toEqual([
      'ROOTS_FORM_A_CHAIN',
      'ROOTS_FORM_A_CHAIN',
      'ROOT_COVERS_EACH_HEAD',
      'ROOT_COVERS_EACH_HEAD',
    ]);
    for (const table of ['journal', 'transactions', 'grants', 'balances'])
      await scene.shop.db.pastTriggers(`delete from ${table} where user_id = '${viewer.userId}'`);
    expect(await rules(rootText)).toContain('ROOT_COVERS_EACH_HEAD');
  });
});
