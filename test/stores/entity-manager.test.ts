import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { Film } from '../../src/entities/film.js';
import { Database, isTransient } from '../../src/stores/database.js';
import { findLocked } from '../../src/stores/entity-manager.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const now = new Date('2026-03-29T01:30:00.123Z');
const film = (title: string, id: string = randomUUID()) => ({ id, title, description: null, createdAt: now, updatedAt: now });
const backend = { name: 'test-backend', text: 'select pg_backend_pid() as pid' };

let postgres: TestDatabase;
let database: Database;
beforeAll(async () => {
  postgres = await testDatabase();
  const url = new URL(postgres.url);
  url.searchParams.set('options', '-c timezone=Asia/Kolkata -c statement_timeout=77777');
  database = new Database({
    url: url.href,
    poolSize: 2,
    statementTimeoutMs: 4_000,
    connectionTimeoutMs: 5_000,
    lockTimeoutMs: 200,
  });
});
beforeEach(async () => {
  await postgres.empty('films');
});
afterAll(async () => {
  await database.close();
  await postgres.drop();
});

const titles = async () => (await postgres.rows<Film>('select title from films order by title')).map(({ title }) => title);

describe('A change of entities', () => {
  test('runs on a connection of the one pool, in a session in UTC with the statement time-out', async () => {
    const [settings, pids] = await database.changeEntities(async (em, tx) => [
      await em.execute(`select current_setting('TimeZone') as zone, current_setting('statement_timeout') as timeout`),
      [...(await em.execute(backend.text)), ...(await tx.query(backend))],
    ]);
    expect(settings).toEqual([{ zone: 'UTC', timeout: '4s' }]);
    expect(pids[0]).toEqual(pids[1]);
    expect(database.statistics().open).toBeLessThanOrEqual(2);
  });

  test('stores and reads texts and times as they are, although its statements contain them', async () => {
    const text = `'; drop table films; -- "quoted" \\' ? ?? $1 :name {} 🎬\n`;
    const { id } = film('');
    await database.changeEntities(async (em) => void em.create(Film, { ...film(text, id), description: text }));
    expect(await postgres.rows('select title, description, created_at, updated_at from films')).toEqual([
      { title: text, description: text, created_at: now, updated_at: now },
    ]);
    expect(await database.changeEntities(async (em) => ({ ...(await em.findOneOrFail(Film, id)) }))).toEqual({
      ...film(text, id),
      description: text,
    });
  });

  test('prepares none of its statements', async () => {
    const prepared = await database.changeEntities(async (em) => {
      em.create(Film, film('A'));
      await em.flush();
      return em.execute(`select 1 from pg_prepared_statements where statement like '%films%'`);
    });
    expect(prepared).toEqual([]);
  });

  test('that throws leaves nothing', async () => {
    const work = database.changeEntities(async (em) => {
      em.create(Film, film('A'));
      await em.flush();
      throw new Error('refused');
    });
    await expect(work).rejects.toThrow('refused');
    expect(await titles()).toEqual([]);
  });

  test('that breaks a constraint throws the error of the driver and leaves nothing', async () => {
    const id = randomUUID();
    await database.changeEntities((em) => em.insert(Film, film('A', id)));
    const error = await database.changeEntities((em) => em.insertMany(Film, [film('B'), film('C', id)])).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(pg.DatabaseError);
    expect(error).toMatchObject({ code: '23505', constraint: 'films_pkey' });
    expect(await titles()).toEqual(['A']);
  });

  test('whose session is ended leaves nothing, fails as a state that passes, and the next one succeeds', async () => {
    const work = database.changeEntities(async (em, tx) => {
      em.create(Film, film('A'));
      await em.flush();
      const [session] = await tx.query<{ pid: number }>(backend);
      await postgres.rows('select pg_terminate_backend($1)', [session?.pid]);
      await em.findOne(Film, randomUUID());
    });
    expect(isTransient(await work.catch((error: unknown) => error))).toBe(true);
    expect(await titles()).toEqual([]);
    await database.changeEntities(async (em) => void em.create(Film, film('B')));
    expect(await titles()).toEqual(['B']);
  });

  test('that waits too long for a locked row fails as a state that passes', async () => {
    const id = randomUUID();
    await database.changeEntities((em) => em.insert(Film, film('A', id)));
    const error = await database.changeEntities(async (em) => {
      await findLocked(em, Film, id);
      return database.changeEntities((other) => findLocked(other, Film, id)).catch((e: unknown) => e);
    });
    expect(error).toMatchObject({ code: '55P03' });
    expect(isTransient(error)).toBe(true);
  });

  test('is run again after a deadlock', async () => {
    const [a, b] = [film('A'), film('B')];
    await database.changeEntities((em) => em.insertMany(Film, [a, b]));
    let runs = 0;
    let locked = 0;
    const rename = (first: string, second: string, title: string) =>
      postgres.database.changeEntities(async (em) => {
        runs += 1;
        const films = [await findLocked(em, Film, first)];
        locked += 1;
        await until(() => locked >= 2);
        films.push(await findLocked(em, Film, second));
        for (const one of films) if (one) one.title += title;
      });
    await Promise.all([rename(a.id, b.id, '1'), rename(b.id, a.id, '2')]);
    expect(runs).toBe(3);
    expect((await titles()).map((title) => [...title].sort().join(''))).toEqual(['12A', '12B']);
  });
});
