import type { Film } from '../../entities/film.js';
import { brokenConstraint, type Database, type Statement } from '../../stores/database.js';
import type { BillingError } from '../errors.js';
import { newId, parseId } from '../ids.js';
import type { CreateFilmInput, UpdateFilmInput } from './check-input.js';
import { readFilmsByIds } from './film-rows.js';

const FILM_COLUMNS = 'id, title, description, created_at as "createdAt", updated_at as "updatedAt"';

export const insertFilmRows: Statement = {
  name: 'insert-films',
  text: `insert into films (id, title, description, created_at, updated_at)
    select given.id, given.title, given.description, $4::timestamptz, $4::timestamptz
    from unnest($1::uuid[], $2::text[], $3::text[]) as given(id, title, description)`,
};

const updateFilm: Statement = {
  name: 'update-film',
  text: `update films set title = coalesce($2, title), description = case when $3 then $4 else description end, updated_at = $5
    where id = $1 returning ${FILM_COLUMNS}`,
};

/** Adds checked films in one statement: all or none. Errors: ALREADY_EXISTS for each id that is taken. */
export async function insertFilms(
  database: Database,
  input: readonly CreateFilmInput[],
  now: Date,
): Promise<{ films: Film[]; errors: BillingError[] }> {
  const films = input.map((film) => ({
    id: parseId(film.id) ?? newId(),
    title: film.title,
    description: film.description ?? null,
    createdAt: now,
    updatedAt: now,
  }));
  const ids = films.map((film) => film.id);
  try {
    const values = [ids, films.map((film) => film.title), films.map((film) => film.description), now];
    await database.query(insertFilmRows, values);
    return { films, errors: [] };
  } catch (error) {
    if (brokenConstraint(error) !== 'films_pkey') throw error;
    const taken = new Set((await readFilmsByIds(database, ids)).map((film) => film.id));
    return { films: [], errors: ids.flatMap((id, index) => (taken.has(id) ? [alreadyExists(id, index)] : [])) };
  }
}

const alreadyExists = (id: string, index: number): BillingError => ({
  code: 'ALREADY_EXISTS',
  message: 'There is a film with this id.',
  path: ['input', String(index), 'id'],
  existingId: id,
});

/** The film after the change; null when there is none. A title left out stays, and so does a description left out. */
export async function changeFilm(database: Database, input: UpdateFilmInput, now: Date): Promise<Film | null> {
  const withDescription = input.description !== undefined;
  const values = [input.id, input.title ?? null, withDescription, input.description ?? null, now];
  const [film] = await database.query<Film>(updateFilm, values);
  return film ?? null;
}
