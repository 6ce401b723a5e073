import { createHash } from 'node:crypto';
import type { JournalRow } from './final-state.js';
import type { Finding } from './findings.js';

const NOTHING_BEFORE = Buffer.alloc(32);

/** Every entry's hash is that of the previous hash and the entry in its canonical form, computed here from docs/journal.md alone. */
export function checkChain(journal: readonly JournalRow[]): Finding[] {
  let previous = NOTHING_BEFORE;
  for (const row of journal) {
    const hash = createHash('sha256').update(previous).update(canonicalForm(row)).digest();
    if (hash.toString('hex') !== row.hash) {
      const message = `The hash of entry ${row.sequence} is ${row.hash}, and must be ${hash.toString('hex')}.`;
      return [{ class: 'JOURNAL_BROKEN', viewer: row.viewer, message, operations: [], sequence: row.sequence }];
    }
    previous = hash;
  }
  return [];
}

/** Form 1: Postgres' binary format of a record. */
export function canonicalForm(row: JournalRow): Buffer {
  const fields = [
    field(21, integer(row.form, 2)),
    field(2950, uuid(row.viewer)),
    field(23, integer(row.sequence, 4)),
    field(25, Buffer.from(row.kind)),
    field(2950, row.subjectId === null ? null : uuid(row.subjectId)),
    field(23, row.version === null ? null : integer(row.version, 4)),
    field(20, row.posted === null ? null : integer(row.posted, 8)),
    field(20, row.held === null ? null : integer(row.held, 8)),
    field(3802, row.state === null ? null : Buffer.concat([Buffer.from([1]), Buffer.from(row.state)])),
    field(17, Buffer.from(row.digest, 'hex')),
    field(2950, row.actorId === null ? null : uuid(row.actorId)),
    field(1184, integer(BigInt(row.createdAt), 8)),
  ];
  return Buffer.concat([integer(fields.length, 4), ...fields]);
}

const field = (type: number, value: Buffer | null): Buffer =>
  Buffer.concat([integer(type, 4), integer(value === null ? -1 : value.length, 4), value ?? Buffer.alloc(0)]);

const uuid = (text: string): Buffer => Buffer.from(text.replaceAll('-', ''), 'hex');

function integer(value: number | bigint, bytes: 2 | 4 | 8): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigInt64BE(BigInt(value));
  return buffer.subarray(8 - bytes);
}
