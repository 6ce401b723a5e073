import { appendFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Caller } from '../../src/services/caller.js';
import { runToEnd } from '../support/run-to-end.js';
import { RootsScene } from './roots-scene.js';

let scene: RootsScene;
let viewer: Caller & { userId: string };

beforeAll(async () => {
  scene = await RootsScene.open();
  viewer = await scene.shop.viewer(5_000);
  await scene.settled();
  await scene.sign();
});
afterAll(() => scene.close());

/** The command as it is shipped, on the scene's database. */
const verifyLedger = (...words: string[]) => runToEnd('cli/verify-ledger.js', { DATABASE_URL: scene.shop.db.url }, words);

describe('npm run verify-ledger -- --root', () => {
  test('finds nothing where nothing was rewritten, and exits with 0', async () => {
    const { publicKey } = scene.handedOut()[0] as { publicKey: string };
    const { code, out } = await verifyLedger('--root', scene.file, '--public-key', publicKey);
    expect(out).toMatch(/^1 roots checked, 0 discrepancies\.$/m);
    expect(code).toBe(0);
  });

  test('exits with 2 when the file cannot be read', async () => {
    const { code, err } = await verifyLedger('--root', `${scene.file}.none`);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining('ENOENT') });
  });

  test('finds a line that is no root, and exits with 1', async () => {
    appendFileSync(scene.file, '{"root":"ab"}\n');
    const { code, out } = await verifyLedger('--root', scene.file);
    expect(out).toMatch(/^ROOT_IS_SIGNED \(no viewer\): expected a root, found line 2 is not one$/m);
    expect(code).toBe(1);
  });

  test('names the viewer whose history was rewritten with all hashes, which nothing else finds, and exits with 1', async () => {
    await scene.rewrite(viewer.userId, 700);
    expect(await verifyLedger()).toMatchObject({ code: 0 });
    const { code, out } = await verifyLedger('--root', scene.file);
    expect(out).toMatch(new RegExp(`^ROOT_COVERS_EACH_HEAD \\(viewer ${viewer.userId}\\): expected entry 1 with hash `, 'm'));
    expect(code).toBe(1);
  });
});
