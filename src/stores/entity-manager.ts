import { DriverException, type EntityName, LockMode, type Primary } from '@mikro-orm/core';
import { type EntityManager, MikroORM } from '@mikro-orm/postgresql';
import settings from '../../mikro-orm.config.js';
import type { Queryable } from './database.js';

/** MikroORM opens no connections: its statements run in a transaction of `Database`, which applies the session settings and limits. */
const noConnections = {
  createDriver: () => ({
    init: () => Promise.reject(new Error('a statement of an EntityManager outside its transaction')),
  }),
  createQueryCompiler: () => ({}),
  createAdapter: () => ({}),
};

let orm: MikroORM | undefined;

/** Opened on first use. It knows the entities but no database, so one instance is enough and there is nothing to close. */
function openOrm(): MikroORM {
  if (orm) return orm;
  orm = new MikroORM({ ...settings, extensions: [], driverOptions: noConnections, ensureDatabase: false, logger: () => {} });
  // MikroORM's own function builds the same literal character by character, which blocks the process for 2 s on 5 MB of text.
  Object.assign(orm.driver.getPlatform(), { escapeLiteral });
  return orm;
}

/** A text as an SQL literal that means the same whatever standard_conforming_strings is. */
function escapeLiteral(text: string): string {
  const quoted = text.replaceAll("'", "''");
  return text.includes('\\') ? ` E'${quoted.replaceAll('\\', '\\\\')}'` : `'${quoted}'`;
}

/**
 * Runs `work` with its own EntityManager in the transaction `tx`, then writes what has changed. The statements contain their values, so
 * they are not prepared.
 *
 * @throws what `work` throws; if a statement failed, the driver's own error, as `tx` does
 */
export async function withEntityManager<Result>(tx: Queryable, work: (em: EntityManager) => Promise<Result>): Promise<Result> {
  const em = openOrm().em.fork() as EntityManager;
  let failure: unknown;
  em.setTransactionContext({
    async executeQuery({ sql }: { readonly sql: string }) {
      try {
        return { rows: await tx.query({ name: 'entity-manager', text: sql, holdsValues: true }) };
      } catch (error) {
        failure = error;
        throw error;
      }
    },
  });
  try {
    const result = await work(em);
    await em.flush();
    return result;
  } catch (error) {
    throw error instanceof DriverException ? (failure ?? error) : error;
  }
}

/** Locks the row until the transaction ends and returns its state once locked; null if there is none. */
export const findLocked = <Entity extends object>(em: EntityManager, entity: EntityName<Entity>, id: Primary<Entity>) =>
  em.findOne(entity, id as never, { lockMode: LockMode.PESSIMISTIC_WRITE });
