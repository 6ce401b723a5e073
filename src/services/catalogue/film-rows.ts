import { Film } from '../../entities/film.js';
import { columnsOf } from '../../stores/columns.js';
import { type Database, type Statement, statement } from '../../stores/database.js';
import { decodeCursor, type Page, pageOf } from '../pagination.js';

const COLUMNS = columnsOf(Film, { row: 'f' });

/** Before every film: titles have at least one character. */
const BEFORE_THE_FIRST = ['', '00000000-0000-0000-0000-000000000000'] as const;

const filmsByIds = statement('films-by-ids')`select ${COLUMNS} from films f where f.id = any($1::uuid[])`;

const filmsByTitle = statement('films-by-title')`select ${COLUMNS} from films f
    where (f.title, f.id) > ($1::text, $2::uuid)
    order by f.title, f.id limit $3`;

const filmsBySearch = statement('films-by-search')`select ${COLUMNS} from films f
    where (f.title, f.id) > ($1::text, $2::uuid) and f.title ilike $4
    order by f.title, f.id limit $3`;

const filmsOfVersions: Statement = {
  name: 'films-of-versions',
  // Plans share films: a description, which is long, comes once however many plans have the film.
  text: `select asked.id as "versionId", ${columnsOf(Film, { row: 'f', except: ['description'] })},
      case when row_number() over (partition by f.id order by asked.place) = 1 then f.description end as description
    from unnest($1::uuid[]) with ordinality as asked(id, place)
    cross join lateral (
      select f.* from subscription_version_films vf join films f on f.id = vf.film_id
      where vf.version_id = asked.id and (f.title, f.id) > ($2::text, $3::uuid)
      order by f.title, f.id limit $4
    ) f
    order by asked.place, f.title, f.id`,
};

export interface PageRequest {
  readonly first: number;
  readonly after?: string | null | undefined;
}

const positionOf = (film: Film) => [film.title, film.id];
const startOf = (after: string | null | undefined) =>
  after === null || after === undefined ? BEFORE_THE_FIRST : decodeCursor(after, ['text', 'uuid']);

/** Films with these ids, in no order; ids must be UUIDs. */
export function readFilmsByIds(database: Database, ids: readonly string[]): Promise<Film[]> {
  return database.query<Film>(filmsByIds, [ids]);
}

/** A page of films by title; with `search`, those whose title contains it, ignoring case. @throws InvalidCursor */
export async function readFilms(database: Database, { first, after }: PageRequest, search: string): Promise<Page<Film>> {
  const [title, id] = startOf(after);
  const values = [title, id, first + 1];
  const rows =
    search === ''
      ? await database.query<Film>(filmsByTitle, values)
      : await database.query<Film>(filmsBySearch, [...values, `%${search.replace(/[\\%_]/g, '\\$&')}%`]);
  return pageOf(rows, first, positionOf, after);
}

/** A page of films by title for each version, in the order of the versions. @throws InvalidCursor */
export async function readFilmsOfVersions(
  database: Database,
  versionIds: readonly string[],
  { first, after }: PageRequest,
): Promise<Page<Film>[]> {
  const [title, id] = startOf(after);
  const rows = await database.query<Film & { versionId: string }>(filmsOfVersions, [versionIds, title, id, first + 1]);
  const films = new Map<string, Film[]>(versionIds.map((versionId) => [versionId, []]));
  const known = new Map<string, Film>();
  // The rows come by place, so the one with the description is the first of its film.
  for (const { versionId, ...film } of rows) {
    if (!known.has(film.id)) known.set(film.id, film);
    films.get(versionId)?.push(known.get(film.id) as Film);
  }
  return versionIds.map((versionId) => pageOf(films.get(versionId) ?? [], first, positionOf, after));
}
