import type { Database, Statement } from './database.js';

/** Leaves a row alone that another process is just probing with. A read-only server refuses it all the same (25006). */
const writeRow: Statement = {
  name: 'probe-write-row',
  text: 'update write_probe set probed_at = now() where id in (select id from write_probe for update skip locked)',
};
const littleMemory: Statement = { name: 'probe-little-memory', text: "set local work_mem = '64kB'" };
/**
 * Sorts about a megabyte, which goes to a temporary file: an update of a row finds room in its page even on a full disk (53100),
 * while inserts already fail.
 */
const spill: Statement = {
  name: 'probe-spill',
  text: `select max(length(text)) as longest from (
    select text from (select repeat(md5(n::text), 12) as text from generate_series(1, 3000) as n) as lines order by text offset 1
  ) as sorted`,
};

/**
 * Whether the database can be written to now: one small row is, and a disk has room.
 *
 * @throws the database's error otherwise: 25006 (read-only, or a standby), 53100 (disk full), or as it cannot be reached.
 */
export async function probeDatabase(database: Pick<Database, 'transaction'>): Promise<void> {
  await database.transaction(async (tx) => {
    await tx.query(littleMemory);
    await tx.query(writeRow);
    await tx.query(spill);
  });
}
