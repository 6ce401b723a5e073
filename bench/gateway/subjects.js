import { createHash, createHmac } from 'node:crypto';
import pg from 'pg';
import { FILMS } from './seed/catalogue.js';
import { VIEWERS } from './sizes.js';

export const JWT_SECRET = 'a secret that only the benchmark uses';
const JWT = { issuer: 'boxoffice', audience: 'boxoffice', lifetimeSeconds: 24 * 3_600 };

/** As many viewers as take part in a scenario. Those who read are never those who buy, so that reads stay the same. */
const SUBJECTS = 2_000;
const FILMS_PER_QUERY = 100;

const idOf = (name) =>
  createHash('md5')
    .update(name)
    .digest('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

/** A cheap plan, so that a wallet lasts. */
export const PLAN_ON_SALE = idOf('subscription 0');

/** Viewers with their tokens, and films to ask about: for every other viewer the first is one that was bought. */
export async function makeSubjects(databaseUrl, size) {
  const viewers = VIEWERS[size];
  const count = Math.min(SUBJECTS, viewers / 2 - 1);
  const readers = Array.from({ length: count }, (_, index) => subject(Math.floor((index * viewers) / 2 / count)));
  const buyers = Array.from({ length: count }, (_, index) => subject(viewers / 2 + Math.floor((index * viewers) / 2 / count)));
  const bought = await boughtFilms(databaseUrl, readers);
  readers.forEach((reader, index) => {
    const films = Array.from({ length: FILMS_PER_QUERY }, (_, place) => idOf(`film ${(index * 389 + place * 7) % FILMS}`));
    const film = bought.get(reader.userId);
    if (index % 2 === 0 && film && !films.includes(film)) films[0] = film;
    reader.films = films;
  });
  return { readers, buyers, hotWallet: [subject(viewers - 1)] };
}

function subject(number) {
  const userId = idOf(`viewer ${number}`);
  return { userId, token: tokenOf(userId) };
}

async function boughtFilms(databaseUrl, readers) {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query(
    `select distinct on (user_id) user_id, film_id from grants join subscription_version_films using (version_id)
     where user_id = any($1::uuid[]) order by user_id, granted_at desc, film_id`,
    [readers.map(({ userId }) => userId)],
  );
  await client.end();
  return new Map(rows.map((row) => [row.user_id, row.film_id]));
}

/** A JWT (HS256) such as an identity provider gives. */
function tokenOf(userId) {
  const now = Math.floor(Date.now() / 1_000);
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const { issuer: iss, audience: aud, lifetimeSeconds } = JWT;
  const claims = { role: 'viewer', sub: userId, iss, aud, iat: now, exp: now + lifetimeSeconds };
  const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${signed}.${createHmac('sha256', JWT_SECRET).update(signed).digest('base64url')}`;
}
