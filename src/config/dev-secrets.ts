import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/**
 * A secret for development, generated once and kept in the data directory, so that commands work while a server is running.
 * Two processes that start at the same time agree: the file appears atomically (a link to a finished file), and the first one wins.
 *
 * @throws the file system's error when the data directory cannot be created, read or written
 */
export function devSecret(dataDirectory: string, name: string, prefix = ''): string {
  const file = path.join(dataDirectory, name);
  const kept = readIfThere(file);
  if (kept) return kept;
  mkdirSync(dataDirectory, { recursive: true, mode: 0o755 });
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  writeFileSync(draft, `${prefix}${randomBytes(32).toString('hex')}\n`, { mode: 0o600 });
  try {
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  return readFileSync(file, 'utf8').trim();
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
