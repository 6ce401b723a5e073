import type { Database, Statement } from './database.js';

/** Skips a row that another process is probing with. A read-only server rejects the statement anyway (25006). */
const writeRow: Statement = {
  name: 'probe-write-row',
  text: 'update write_probe set probed_at = now() where id in (select id from write_probe for update skip locked)',
};
const littleMemory: Statement = { name: 'probe-little-memory', text: "set local work_mem = '64kB'" };
/**
 * Sorts about a megabyte, which spills to a temporary file. On a full disk (53100), an update may still find room in its page while
 * inserts already fail.
 */
const spill: Statement = {
  name: 'probe-spill',
  text: `select max(length(text)) as longest from (
    select text from (select repeat(md5(n::text), 12) as text from generate_series(1, 3000) as n) as lines order by text offset 1
  ) as sorted`,
};

/**
 * Checks that the database is writable, by updating a small row, and that its disk has room.
 *
 * @throws the database's error: 25006 (read-only or a standby), 53100 (disk full), or a connection error
 */
export async function probeDatabase(database: Pick<Database, 'transaction'>): Promise<void> {
  await database.transaction(async (tx) => {
    await tx.query(littleMemory);
    await tx.query(writeRow);
    await tx.query(spill);
  });
}
