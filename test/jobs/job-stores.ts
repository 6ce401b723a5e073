import { randomBytes } from 'node:crypto';
import { MongoClient } from 'mongodb';

export interface TestedJobStore {
  readonly name: string;
  /** A database of the test file's own; undefined: jobs are kept in the product's Postgres. */
  readonly mongodbUrl: string | undefined;
  /** Takes that database away. */
  drop(): Promise<void>;
}

/** Both stores that jobs can be kept in; MongoDB only where MONGODB_URL names a server. */
export function testedJobStores(): TestedJobStore[] {
  const postgres = { name: 'Postgres', mongodbUrl: undefined, drop: async () => {} };
  if (!process.env.MONGODB_URL) {
    console.info('jobs: the half on MongoDB is not run, because MONGODB_URL is not set');
    return [postgres];
  }
  const url = new URL(process.env.MONGODB_URL);
  url.pathname = `/test_${randomBytes(6).toString('hex')}`;
  const mongodb = {
    name: 'MongoDB',
    mongodbUrl: url.href,
    drop: async () => {
      const client = new MongoClient(url.href);
      await client.db().dropDatabase();
      await client.close();
    },
  };
  return [postgres, mongodb];
}
