import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';

export interface UserIds {
  readonly uid: number;
  readonly gid: number;
}

/** Where servers of root are kept whose data directory another user cannot reach. Survives restarts of the machine. */
const SHARED_STATE = '/var/lib/boxoffice';

/** Postgres refuses to run as root: the account to run it as then, or null when we are not root. Needs no useradd. */
export function unprivilegedUser(): UserIds | null {
  if (process.getuid?.() !== 0) return null;
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const account = accounts.find(([name]) => name === 'postgres') ?? accounts.find(([name]) => name === 'nobody');
  if (!account)
    throw new Error(
      'Postgres cannot run as root, and there is no account "postgres" or "nobody" to run it as. Start as an ordinary user.',
    );
  return { uid: Number(account[2]), gid: Number(account[3]) };
}

/** May the user walk to this place? A mode-700 home on the way says no. */
export function reachableBy(user: UserIds, place: string): boolean {
  for (let folder = path.resolve(place); ; folder = path.dirname(folder)) {
    if (existsSync(folder)) {
      const { mode, uid, gid } = statSync(folder);
      const allowed = uid === user.uid ? mode & 0o100 : gid === user.gid ? mode & 0o010 : mode & 0o001;
      if (allowed === 0) return false;
    }
    if (folder === path.dirname(folder)) return true;
  }
}

/** A place that the user can reach, in place of one that it cannot; the same for the same name at each start. */
export function reachablePlace(name: string): string {
  mkdirSync(SHARED_STATE, { recursive: true, mode: 0o755 });
  return path.join(SHARED_STATE, name);
}

/** The folder itself, or a copy that the user can reach, made once. */
export function reachableCopy(user: UserIds, folder: string, name: string): string {
  if (reachableBy(user, folder)) return folder;
  const copy = reachablePlace(name);
  if (!existsSync(copy)) {
    const unfinished = `${copy}.${process.pid}`;
    cpSync(folder, unfinished, { recursive: true, verbatimSymlinks: true });
    renameSync(unfinished, copy);
  }
  return copy;
}
