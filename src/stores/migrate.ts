import { existsSync } from 'node:fs';
import path from 'node:path';
import { MikroORM } from '@mikro-orm/postgresql';
import settings from '../../mikro-orm.config.js';

/** Brings the database to the newest migration; gives back the names of those that ran. Safe beside another that does it too. */
export async function migrate(databaseUrl: string): Promise<string[]> {
  const orm = await MikroORM.init({ ...settings, clientUrl: databaseUrl, logger: () => {} });
  try {
    const done = await orm.migrator.up();
    return done.map((migration) => migration.name);
  } finally {
    await orm.close(true);
  }
}

/** Writes a migration of what the entities have and the database lacks into the sources; null when they agree. */
export async function createMigration(databaseUrl: string): Promise<string | null> {
  const folder = path.resolve('migrations');
  if (!existsSync(folder)) throw new Error('Run this in the project: there is no folder "migrations" here.');
  // Both paths: one for what is compiled, where it runs, and one for where sources are written.
  const migrations = { ...settings.migrations, path: folder, pathTs: folder, emit: 'ts' as const };
  const orm = await MikroORM.init({ ...settings, clientUrl: databaseUrl, logger: () => {}, migrations });
  try {
    const { fileName, diff } = await orm.migrator.create();
    return diff.up.length > 0 ? fileName : null;
  } finally {
    await orm.close(true);
  }
}
