import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { COMPACTION_THRESHOLD_BYTES } from './limits.js';

/** One change of one row: the table, the id, and the new row, or null if it was deleted. */
export type Change = readonly [table: string, id: string, row: unknown];

const COMPACTION_BATCH = 200;

/**
 * The state on disk: a log with one line per transaction. A line is written to the operating system before the response is sent, so that
 * acknowledged changes survive a crash of the process (not of the machine: the file is not synced). An incomplete last line was never
 * acknowledged and is dropped.
 */
export class StateLog {
  private file: number;
  private bytes = 0;
  private bytesWhenCompacted = 0;

  private constructor(private readonly path: string) {
    this.file = openSync(path, 'a', 0o600);
  }

  /** Opens the file, creating it if it is missing, and passes each change in it to `replay`. */
  static open(path: string, replay: (change: Change) => void): StateLog {
    mkdirSync(dirname(path), { recursive: true });
    if (existsSync(path)) replayFile(path, replay);
    return new StateLog(path);
  }

  append(changes: readonly Change[]): void {
    this.bytes += writeSync(this.file, `${JSON.stringify(changes)}\n`);
  }

  get wantsCompaction(): boolean {
    return this.bytes > Math.max(COMPACTION_THRESHOLD_BYTES, this.bytesWhenCompacted);
  }

  /** Replaces the file with one that contains only the current rows. */
  compact(changes: Iterable<Change>): void {
    const temporary = `${this.path}.new`;
    const file = openSync(temporary, 'w', 0o600);
    let written = 0;
    let batch: Change[] = [];
    const writeBatch = () => {
      if (batch.length > 0) written += writeSync(file, `${JSON.stringify(batch)}\n`);
      batch = [];
    };
    for (const change of changes) {
      batch.push(change);
      if (batch.length === COMPACTION_BATCH) writeBatch();
    }
    writeBatch();
    fsyncSync(file);
    renameSync(temporary, this.path);
    closeSync(this.file);
    this.file = file;
    this.bytes = 0;
    this.bytesWhenCompacted = written;
  }

  close(): void {
    closeSync(this.file);
  }
}

function replayFile(path: string, replay: (change: Change) => void): void {
  const content = readFileSync(path);
  let start = 0;
  for (let end = content.indexOf(10, start); end >= 0; end = content.indexOf(10, start)) {
    const changes: Change[] = parseLine(path, content.toString('utf8', start, end));
    for (const change of changes) replay(change);
    start = end + 1;
  }
  if (start < content.length) truncateSync(path, start);
}

function parseLine(path: string, line: string): Change[] {
  try {
    return JSON.parse(line);
  } catch {
    throw new Error(`The sandbox's state file ${path} is damaged. Move it away to start with an empty sandbox.`);
  }
}
