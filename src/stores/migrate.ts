import { MikroORM } from '@mikro-orm/postgresql';
import settings from '../../mikro-orm.config.js';

/** Brings the database to the newest migration; gives back the names of those that ran. Safe beside another that does it too. */
export async function migrate(databaseUrl: string): Promise<string[]> {
  const orm = await MikroORM.init({ ...settings, clientUrl: databaseUrl });
  try {
    const done = await orm.migrator.up();
    return done.map((migration) => migration.name);
  } finally {
    await orm.close(true);
  }
}
