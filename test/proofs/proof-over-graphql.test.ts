import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Caller } from '../../src/services/caller.js';
import { newId } from '../../src/services/ids.js';
import type { AppServices } from '../../src/services/services.js';
import { startGateway, tokenFor } from '../gateway/gateway-kit.js';
import { beginJournalAgain } from '../support/damage.js';
import { ADMIN } from '../support/shop.js';
import { isProven } from './independent.js';
import { RootsScene } from './roots-scene.js';

let scene: RootsScene;
let gateway: Awaited<ReturnType<typeof startGateway>>;
let viewer: Caller & { userId: string };
let token: string;
let adminToken: string;

beforeAll(async () => {
  scene = await RootsScene.open();
  viewer = await scene.shop.viewer(5_000);
  await scene.shop.viewer(5_000);
  await scene.shop.buy(viewer, await scene.shop.desk.putOnSale(10, 10));
  await scene.settled();
  for (let root = 0; root < 3; root++) await scene.signNext();
  gateway = await startGateway({ services: scene.services() as AppServices, environment: { CURRENCY: 'USD' } });
  token = await tokenFor({ userId: viewer.userId });
  adminToken = await tokenFor({ userId: ADMIN.userId as string, role: 'admin' });
});
afterAll(async () => {
  await gateway.stop();
  await scene.close();
});

const ROOT = 'id root previousRoot cut heads signedAt publicKey signature';
const PROOF = `proof { head sequence path root { ${ROOT} } }`;

describe('The proof of an account', () => {
  test('lets its viewer compute the signed root from their own history', async () => {
    const { data } = await gateway.ask(`{ me { userId ${PROOF} } }`, { token });
    expect(isProven(viewer.userId, data.me.proof)).toBe(true);
    expect(data.me.proof.root.root).toBe(scene.handedOut().at(-1)?.root);
  });

  test('is the same for admins, and null for a viewer without a history', async () => {
    const account = `query ($id: ID!) { account(userId: $id) { ${PROOF} } }`;
    const own = await gateway.ask(`{ me { ${PROOF} } }`, { token });
    expect((await gateway.ask(account, { token: adminToken, variables: { id: viewer.userId } })).data.account).toEqual(
      own.data.me,
    );
    const nobody = await gateway.ask(account, { token: adminToken, variables: { id: newId() } });
    expect(nobody.data.account).toEqual({ proof: null });
    const all = await gateway.ask(`{ accounts { nodes { userId ${PROOF} } } }`, { token: adminToken });
    for (const { userId, proof } of all.data.accounts.nodes) expect([userId, isProven(userId, proof)]).toEqual([userId, true]);
  });

  test('leads to a root that its viewer can look up, and that is hidden without a token', async () => {
    const id = scene.handedOut()[0]?.id;
    const query = `query ($id: ID!) { node(id: $id) { ... on LedgerRoot { ${ROOT} } } }`;
    expect((await gateway.ask(query, { token, variables: { id } })).data.node).toMatchObject({ id });
    expect((await gateway.ask(query, { variables: { id } })).data.node).toBeNull();
  });
});

test('Admins list the roots, newest first, page by page; viewers may not', async () => {
  const query = `query ($after: String) { ledgerRoots(first: 2, after: $after) { nodes { ${ROOT} } pageInfo { hasNextPage endCursor } } }`;
  const first = (await gateway.ask(query, { token: adminToken })).data.ledgerRoots;
  const second = (await gateway.ask(query, { token: adminToken, variables: { after: first.pageInfo.endCursor } })).data
    .ledgerRoots;
  const ids = [...first.nodes, ...second.nodes].map(({ id }) => id);
  expect(ids).toEqual(
    scene
      .handedOut()
      .map(({ id }) => id)
      .reverse(),
  );
  expect([first.pageInfo.hasNextPage, second.pageInfo.hasNextPage]).toEqual([true, false]);
  const { errors } = await gateway.ask(query, { token });
  expect(errors?.[0]?.extensions.code).toBe('FORBIDDEN');
});

describe("A transaction's hash", () => {
  const hashes = async () => {
    const query = '{ me { transactions { nodes { id hash grant { spending { hash } } } } } }';
    const { nodes } = (await gateway.ask(query, { token })).data.me.transactions;
    return nodes as { id: string; hash: string; grant: { spending: { hash: string } } | null }[];
  };
  const entries = () =>
    scene.shop.db.rows<{ id: string | null; kind: string; hash: string }>(
      `select subject_id as id, kind, encode(hash, 'hex') as hash from journal where user_id = $1 order by sequence desc`,
      [viewer.userId],
    );

  test('is that of its entry in the journal', async () => {
    const shown = await hashes();
    const movements = (await entries()).filter(({ kind }) => kind === 'MOVEMENT');
    expect(shown.map(({ id, hash }) => ({ id, hash }))).toEqual(movements.map(({ id, hash }) => ({ id, hash })));
    expect(shown.length).toBe(2);
    for (const { hash, grant } of shown) if (grant) expect(grant.spending.hash).toBe(hash);
  });

  test('from before the journal was begun is that of the genesis entry, which covers it', async () => {
    await beginJournalAgain(scene.shop.db, viewer.userId);
    await scene.shop.buy(viewer, await scene.shop.desk.putOnSale(10, 10));
    const all = await entries();
    const genesis = all.find(({ kind }) => kind === 'GENESIS')?.hash;
    const own = all.find(({ kind }) => kind === 'MOVEMENT')?.hash;
    expect((await hashes()).map(({ hash }) => hash)).toEqual([own, genesis, genesis]);
  });
});
