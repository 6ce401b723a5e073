import 'reflect-metadata';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ReflectMetadataProvider } from '@mikro-orm/decorators/legacy';
import { Migrator } from '@mikro-orm/migrations';
import { defineConfig } from '@mikro-orm/postgresql';
import { entities } from './src/stores/entities.js';

/** Database settings for the app (which overrides clientUrl and the pool) and for MikroORM's command line. */
export default defineConfig({
  clientUrl: process.env.DATABASE_URL ?? 'postgresql://postgres@127.0.0.1:5432/boxoffice',
  entities,
  metadataProvider: ReflectMetadataProvider,
  extensions: [Migrator],
  forceUtcTimezone: true,
  // Triggers, and what has no entity, are written by hand in the migrations.
  schemaGenerator: {
    ignoreTriggers: true,
    ignoreRoutines: true,
    skipTables: [/^agenda_/, 'mikro_orm_migrations', 'write_probe', 'development_clock'],
  },
  migrations: {
    path: fileURLToPath(new URL('./migrations', import.meta.url)),
    // New ones are written beside the sources, whatever folder this runs from.
    pathTs: path.resolve('migrations'),
    emit: 'ts',
    glob: '!(*.d).{js,ts}',
    snapshot: false,
    allOrNothing: true,
  },
});
