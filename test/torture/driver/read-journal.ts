import type pg from 'pg';
import type { JournalRow } from '../checker/final-state.js';
import type { LastChange } from './live-clients.js';

/** Every change of every viewer. The only place here that knows where the product keeps them. */
export async function readJournal(client: pg.Client): Promise<JournalRow[]> {
  const { rows } = await client.query<JournalRow>(
    `select user_id as viewer, sequence, kind, subject_id as "subjectId", version, posted::float8, held::float8, state::text,
       actor_id as "actorId", position::text, (extract(epoch from created_at - '2000-01-01Z') * 1000000)::bigint::text as "createdAt",
       form, encode(digest, 'hex') as digest, encode(hash, 'hex') as hash
     from journal order by user_id, sequence`,
  );
  return rows;
}

/** Each viewer's last changes. */
export async function readLastChanges(client: pg.Client): Promise<Map<string, LastChange>> {
  const { rows } = await client.query<{ viewer: string } & LastChange>(
    `select b.user_id as viewer, b.version,
       (select subject_id from journal e where e.user_id = b.user_id and kind = 'GRANT' order by sequence desc limit 1) as "grantId"
     from balances b`,
  );
  return new Map(rows.map((row) => [row.viewer, row]));
}
