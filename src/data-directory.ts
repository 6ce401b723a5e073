import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';

/** The directory is in another running process's hands, or cannot be used. The message says what to do. */
export class DataDirectoryError extends Error {
  override readonly name = 'DataDirectoryError';
}

/**
 * Takes the data directory for this process, so that two never run one embedded database. What a killed process left is
 * taken over. Gives back the function that leaves it.
 */
export function takeDataDirectory(directory: string): () => void {
  const file = path.join(directory, 'process.pid');
  try {
    mkdirSync(directory, { recursive: true, mode: 0o755 });
    if (!write(file)) {
      const pid = Number(readFileSync(file, 'utf8'));
      if (pid !== process.pid && isOneOfUs(pid)) {
        throw new DataDirectoryError(
          `${directory} is in use by process ${pid}. Stop that one, or set DATA_DIR to another directory.`,
        );
      }
      rmSync(file, { force: true });
      write(file);
    }
  } catch (error) {
    if (error instanceof DataDirectoryError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new DataDirectoryError(`${directory} cannot be read and written (${code}). Set DATA_DIR to a directory that you own.`);
  }
  return () => rmSync(file, { force: true });
}

function write(file: string): boolean {
  try {
    const descriptor = openSync(file, 'wx', 0o644);
    writeSync(descriptor, String(process.pid));
    closeSync(descriptor);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Alive, and a node process as far as the system tells: process ids are used again. */
function isOneOfUs(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('main.js');
  } catch {
    return true; // no /proc here: better one refusal too many than two servers on one cluster
  }
}
