import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { InvalidArgument } from '../../src/services/errors.js';
import { InvalidCursor } from '../../src/services/pagination.js';
import { CatalogueScene } from '../support/catalogue-scene.js';
import { MovableClock } from '../support/movable-clock.js';
import { ADMIN } from '../support/shop.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';

let postgres: TestDatabase;
let scene: CatalogueScene;
const clock = new MovableClock();

beforeAll(async () => {
  postgres = await testDatabase();
});
afterAll(() => postgres.drop());
beforeEach(async () => {
  await postgres.empty('films', 'subscriptions');
  scene = new CatalogueScene(postgres.database, clock);
});

describe('films', () => {
  test('come by title, page by page, each once', async () => {
    await scene.films('Metropolis', 'Faust', 'Wings', 'Detour', 'The Kid', 'Faust');
    const titles: string[] = [];
    let after: string | null = null;
    do {
      const page = await scene.catalogue.films({ first: 2, after });
      titles.push(...page.nodes.map((film) => film.title));
      after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
    } while (after);
    expect(titles).toEqual(['Detour', 'Faust', 'Faust', 'Metropolis', 'The Kid', 'Wings']);
  });

  test('keep their place in the pages when one before is added meanwhile', async () => {
    await scene.films('B', 'C', 'D');
    const { pageInfo } = await scene.catalogue.films({ first: 2 });
    await scene.films('A');
    expect((await scene.catalogue.films({ first: 2, after: pageInfo.endCursor })).nodes.map((film) => film.title)).toEqual(['D']);
  });

  test('are found by a part of the title, whatever the case, and signs of patterns stand for themselves', async () => {
    await scene.films('The Kid', 'Kidnapped', '100% Wolf', 'Snow_White', 'Back\\slash');
    const found = async (search: string) => (await scene.catalogue.films({ first: 9, search })).nodes.map((film) => film.title);
    expect(await found('kID')).toEqual(['Kidnapped', 'The Kid']);
    expect(await found('%')).toEqual(['100% Wolf']);
    expect(await found('_')).toEqual(['Snow_White']);
    expect(await found('\\')).toEqual(['Back\\slash']);
  });

  test('refuse a page that is too large, a foreign cursor and a search that is too long', async () => {
    await expect(scene.catalogue.films({ first: 101 })).rejects.toThrow(InvalidArgument);
    await expect(scene.catalogue.films({ first: 1, after: 'nonsense' })).rejects.toThrow(InvalidCursor);
    await expect(scene.catalogue.films({ first: 1, search: 'x'.repeat(101) })).rejects.toThrow(InvalidArgument);
    await expect(scene.catalogue.films({ first: 1, search: 'x\0' })).rejects.toThrow(InvalidArgument);
  });

  test('are created all at once, with the id of an outside catalogue where there is one', async () => {
    const id = randomUUID();
    const { films, errors } = await scene.admin.createFilms(ADMIN, [
      { id: id.toUpperCase(), title: 'A' },
      { title: 'B', description: 'b' },
    ]);
    expect(errors).toEqual([]);
    expect(films.map((film) => [film.title, film.description])).toEqual([
      ['A', null],
      ['B', 'b'],
    ]);
    expect(films[0]?.id).toBe(id);
    expect(await scene.catalogue.filmsByIds([id, 'no uuid'])).toEqual([films[0]]);
  });

  test('are created all or none, and each error has its path', async () => {
    const { films, errors } = await scene.admin.createFilms(ADMIN, [
      { title: 'Good' },
      { title: '' },
      { title: 'x'.repeat(301) },
      { id: 'no uuid', title: 'D' },
      { title: 'E', description: 'x'.repeat(5_001) },
    ]);
    expect(films).toEqual([]);
    expect(errors.map((error) => [error.code, error.path?.join('.')])).toEqual([
      ['INVALID_INPUT', 'input.1.title'],
      ['INVALID_INPUT', 'input.2.title'],
      ['INVALID_INPUT', 'input.3.id'],
      ['INVALID_INPUT', 'input.4.description'],
    ]);
    expect((await scene.catalogue.films({ first: 9 })).nodes).toEqual([]);
  });

  test('with a title of 300 signs beyond the first plane are as long as Postgres says', async () => {
    expect((await scene.admin.createFilms(ADMIN, [{ title: '🎬'.repeat(300) }])).errors).toEqual([]);
    expect((await scene.admin.createFilms(ADMIN, [{ title: '🎬'.repeat(301) }])).errors).toHaveLength(1);
  });

  test('with an id that is taken are refused, and nothing is added', async () => {
    const [taken] = await scene.films('Taken');
    const payload = await scene.admin.createFilms(ADMIN, [{ title: 'New' }, { id: taken, title: 'Again' }]);
    expect(payload).toMatchObject({
      films: [],
      errors: [{ code: 'ALREADY_EXISTS', path: ['input', '1', 'id'], existingId: taken }],
    });
    const twice = randomUUID();
    const both = await scene.admin.createFilms(ADMIN, [
      { id: twice, title: 'A' },
      { id: twice, title: 'B' },
    ]);
    expect(both.errors).toMatchObject([{ code: 'INVALID_INPUT', path: ['input', '1', 'id'] }]);
    expect((await scene.catalogue.films({ first: 9 })).nodes).toHaveLength(1);
  });

  test('of no number, or of more than the limit, are refused', async () => {
    expect((await scene.admin.createFilms(ADMIN, [])).errors).toMatchObject([{ code: 'INVALID_INPUT', path: ['input'] }]);
    const many = Array.from({ length: 1_001 }, () => ({ title: 'x' }));
    expect((await scene.admin.createFilms(ADMIN, many)).errors).toMatchObject([{ code: 'INVALID_INPUT', path: ['input'] }]);
    expect((await scene.admin.createFilms(ADMIN, many.slice(1))).films).toHaveLength(1_000);
  });

  test('change their words; what is left out stays', async () => {
    const [id = ''] = await scene.films('Old');
    await scene.admin.updateFilm(ADMIN, { id, description: 'Words' });
    expect((await scene.admin.updateFilm(ADMIN, { id, title: 'New' })).film).toMatchObject({
      title: 'New',
      description: 'Words',
    });
    expect((await scene.admin.updateFilm(ADMIN, { id, description: null })).film).toMatchObject({
      title: 'New',
      description: null,
    });
    expect((await scene.admin.updateFilm(ADMIN, { id, title: ' ' })).errors).toMatchObject([{ path: ['input', 'title'] }]);
    for (const none of [randomUUID(), 'no uuid']) {
      expect((await scene.admin.updateFilm(ADMIN, { id: none, title: 'x' })).errors).toMatchObject([
        { code: 'NOT_FOUND', path: ['input', 'id'] },
      ]);
    }
  });
});

describe('a subscription', () => {
  test('begins as a draft at version 1, with its whole price', async () => {
    const films = await scene.films('A', 'B');
    const plan = await scene.draft(films, { pricePerDay: 45, durationDays: 30 });
    expect(plan).toMatchObject({
      status: 'DRAFT',
      version: 1,
      pricePerDay: 45,
      price: 1350,
      currency: 'USD',
      stripeSyncStatus: 'NOT_NEEDED',
    });
    const [page] = await scene.catalogue.filmsOfVersions([plan.versionId], { first: 9 });
    expect(page?.nodes.map((film) => film.id)).toEqual(films);
  });

  test('with faults is refused, and each fault names its field', async () => {
    const [film = ''] = await scene.films('A');
    const good = { title: 'T', description: 'd', filmIds: [film], pricePerDay: 1, durationDays: 1 };
    const faults = async (change: object) =>
      (await scene.admin.createSubscription(ADMIN, { ...good, ...change })).errors.map((error) => [
        error.code,
        error.path?.join('.'),
      ]);
    expect(await faults({})).toEqual([]);
    expect(await faults({ title: '', pricePerDay: -1, durationDays: 0, filmIds: [] })).toEqual([
      ['INVALID_INPUT', 'input.title'],
      ['INVALID_INPUT', 'input.filmIds'],
      ['INVALID_INPUT', 'input.pricePerDay'],
      ['INVALID_INPUT', 'input.durationDays'],
    ]);
    expect(await faults({ durationDays: 3_661 })).toEqual([['INVALID_INPUT', 'input.durationDays']]);
    expect(await faults({ pricePerDay: 1_000_000, durationDays: 100 })).toEqual([['INVALID_INPUT', 'input.pricePerDay']]);
    expect(await faults({ filmIds: [film, 'x', film.toUpperCase()] })).toEqual([
      ['INVALID_INPUT', 'input.filmIds.1'],
      ['INVALID_INPUT', 'input.filmIds.2'],
    ]);
    expect(await faults({ filmIds: [film, randomUUID()] })).toEqual([['NOT_FOUND', 'input.filmIds.1']]);
    expect(await faults({ currency: 'EUR' })).toEqual([['CURRENCY_MISMATCH', 'input.currency']]);
  });

  test('may cost nothing', async () => {
    expect(await scene.draft(await scene.films('A'), { pricePerDay: 0 })).toMatchObject({ price: 0 });
  });

  test.each([
    ['price', { pricePerDay: 101 }, { pricePerDay: 101, price: 3_030 }],
    ['duration', { durationDays: 31 }, { durationDays: 31, price: 3_100 }],
  ])('gets a new version with another %s, and what was sold keeps the old one', async (_what, change, expected) => {
    const films = await scene.films('A', 'B');
    const before = await scene.onSale(films);
    const after = await scene.update({ id: before.id, ...change });
    expect(after).toMatchObject({ version: 2, ...expected });
    const [sold] = await scene.catalogue.subscriptionsByVersionIds([before.versionId]);
    expect(sold).toMatchObject({ id: before.id, version: 1, pricePerDay: 100, durationDays: 30, price: 3_000 });
    expect((await scene.catalogue.subscriptionsByIds([before.id]))[0]).toMatchObject({ versionId: after.versionId });
    const pages = await scene.catalogue.filmsOfVersions([before.versionId, after.versionId], { first: 9 });
    expect(pages.map((page) => page.nodes.map((film) => film.id))).toEqual([films, films]);
  });

  test('gets a new version with other films, and the old one keeps its own', async () => {
    const [a = '', b = '', c = ''] = await scene.films('A', 'B', 'C');
    const before = await scene.draft([a, b]);
    const after = await scene.update({ id: before.id, filmIds: [c, b] });
    const pages = await scene.catalogue.filmsOfVersions([after.versionId, before.versionId], { first: 9 });
    expect(pages.map((page) => page.nodes.map((film) => film.title))).toEqual([
      ['B', 'C'],
      ['A', 'B'],
    ]);
  });

  test('stays as it is when nothing changes, even with its films in another order', async () => {
    const [a = '', b = ''] = await scene.films('A', 'B');
    const before = await scene.onSale([a, b], { title: 'T' });
    scene.copied.length = 0;
    const same = await scene.update({ id: before.id, title: 'T', filmIds: [b, a], pricePerDay: 100, durationDays: 30 });
    expect(same).toEqual(before);
    expect(scene.copied).toEqual([]);
    expect(await postgres.rows('select version from subscription_versions')).toEqual([{ version: 1 }]);
  });

  test('changes its words without a new version', async () => {
    const before = await scene.onSale(await scene.films('A'));
    const after = await scene.update({ id: before.id, title: 'Better', description: '' });
    expect(after).toMatchObject({ title: 'Better', description: '', versionId: before.versionId });
  });

  test('that two admins change at once gets two versions, one after the other', async () => {
    const { id } = await scene.draft(await scene.films('A'));
    const prices = [11, 12, 13, 14, 15, 16, 17, 18];
    const plans = await Promise.all(prices.map((pricePerDay) => scene.update({ id, pricePerDay })));
    expect(plans.map((plan) => plan.version).sort((a, b) => a - b)).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test('goes from DRAFT to ACTIVE to ARCHIVED, and never another way', async () => {
    const { id } = await scene.draft(await scene.films('A'));
    const state = (payload: { errors: readonly object[] }) => payload.errors;
    expect(state(await scene.admin.archiveSubscription(ADMIN, id))).toMatchObject([{ code: 'WRONG_STATE', state: 'DRAFT' }]);
    expect((await scene.admin.activateSubscription(ADMIN, id)).subscription).toMatchObject({
      status: 'ACTIVE',
      stripeSyncStatus: 'PENDING',
    });
    expect(state(await scene.admin.activateSubscription(ADMIN, id))).toMatchObject([{ code: 'WRONG_STATE', state: 'ACTIVE' }]);
    expect((await scene.admin.archiveSubscription(ADMIN, id)).subscription).toMatchObject({ status: 'ARCHIVED' });
    for (const refused of [
      await scene.admin.archiveSubscription(ADMIN, id),
      await scene.admin.activateSubscription(ADMIN, id),
      await scene.admin.updateSubscription(ADMIN, { id, title: 'x' }),
    ]) {
      expect(refused.errors).toMatchObject([{ code: 'WRONG_STATE', state: 'ARCHIVED' }]);
    }
    expect(scene.copied).toEqual([id, id]);
  });

  test('that does not exist is not found', async () => {
    for (const id of [randomUUID(), 'no uuid']) {
      expect((await scene.admin.activateSubscription(ADMIN, id)).errors).toMatchObject([{ code: 'NOT_FOUND', path: ['id'] }]);
      expect((await scene.admin.updateSubscription(ADMIN, { id })).errors).toMatchObject([{ code: 'NOT_FOUND' }]);
      expect(await scene.catalogue.offer(id)).toBeNull();
    }
  });

  test('is offered at its newest terms as soon as they are changed', async () => {
    const { id } = await scene.onSale(await scene.films('A'));
    expect(await scene.catalogue.offer(id)).toMatchObject({ subscriptionId: id, price: 3_000, status: 'ACTIVE' });
    await scene.update({ id, pricePerDay: 200 });
    expect(await scene.catalogue.offer(id.toUpperCase())).toMatchObject({ price: 6_000 });
    await scene.admin.archiveSubscription(ADMIN, id);
    expect(await scene.catalogue.offer(id)).toMatchObject({ status: 'ARCHIVED' });
  });

  test('changed on another node is seen with `fresh`', async () => {
    const { id } = await scene.onSale(await scene.films('A'));
    const otherNode = new CatalogueScene(postgres.database, clock);
    await otherNode.catalogue.offer(id);
    await scene.update({ id, pricePerDay: 200 });
    expect(await otherNode.catalogue.offer(id)).toMatchObject({ price: 3_000 });
    expect(await otherNode.catalogue.offer(id, { fresh: true })).toMatchObject({ price: 6_000 });
  });
});

describe('subscriptions on sale', () => {
  test('come cheapest first, page by page, without drafts and archived ones', async () => {
    const films = await scene.films('A');
    for (const pricePerDay of [30, 10, 20, 10]) await scene.onSale(films, { pricePerDay, durationDays: 1 });
    await scene.draft(films, { pricePerDay: 1 });
    const archived = await scene.onSale(films, { pricePerDay: 2 });
    await scene.admin.archiveSubscription(ADMIN, archived.id);
    const first = await scene.catalogue.subscriptions({ first: 2, status: 'ACTIVE' });
    const second = await scene.catalogue.subscriptions({ first: 2, status: 'ACTIVE', after: first.pageInfo.endCursor });
    expect([...first.nodes, ...second.nodes].map((plan) => plan.price)).toEqual([10, 10, 20, 30]);
    expect(second.pageInfo.hasNextPage).toBe(false);
    expect((await scene.catalogue.subscriptions({ first: 9, status: 'ARCHIVED' })).nodes.map((plan) => plan.id)).toEqual([
      archived.id,
    ]);
    expect((await scene.catalogue.subscriptions({ first: 9, status: null })).nodes).toHaveLength(6);
  });

  test('come for many films in one statement, as their newest version has them', async () => {
    const [a = '', b = '', c = ''] = await scene.films('A', 'B', 'C');
    const expensive = await scene.onSale([a, b], { pricePerDay: 9 });
    const cheap = await scene.onSale([b], { pricePerDay: 3 });
    await scene.update({ id: cheap.id, filmIds: [a] });
    const pages = await scene.catalogue.subscriptionsOfFilms([c, b, a, a.toUpperCase()], { first: 1 });
    expect(pages.map((page) => page.nodes.map((plan) => plan.id))).toEqual([[], [expensive.id], [cheap.id], [cheap.id]]);
    expect(pages.map((page) => page.pageInfo.hasNextPage)).toEqual([false, false, true, true]);
  });
});
