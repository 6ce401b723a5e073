import { randomUUID } from 'node:crypto';
import { execute, type GraphQLSchema, parse } from 'graphql';
import { composeSchema } from '../../src/gateway/graphql/schema.js';
import { createContext } from '../../src/resolvers/context.js';
import { systemClock } from '../../src/runtime/clock.js';
import type { Accounts } from '../../src/services/accounts/accounts.js';
import type { Caller } from '../../src/services/caller.js';
import type { SubscriptionAtVersion } from '../../src/services/catalogue/subscription-rows.js';
import type { AppServices } from '../../src/services/services.js';
import type { Database, Statement } from '../../src/stores/database.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import { testServices } from '../support/test-services.js';
import { stubServices } from './gateway-kit.js';

export const DAY_MS = 24 * 60 * 60 * 1_000;
/** The instant of the first thing that is arranged; each further one is a second later. */
export const BEGINNING = Date.parse('2026-03-01T12:00:00.000Z');

/** The accounts in a shop in EUR. */
export const accountsOf = (database: Database): Accounts =>
  testServices({ database, clock: systemClock, environment: { CURRENCY: 'EUR' } }).accounts;

/** A database with a past, read through the resolvers, with every statement counted. */
export async function historyKit() {
  const db: TestDatabase = await testDatabase();
  const schema: GraphQLSchema = await composeSchema();
  const statements: string[] = [];
  const counted = {
    query(statement: Statement, values?: readonly unknown[]) {
      statements.push(statement.name);
      return db.database.query(statement, values);
    },
  } as Database;
  const accounts = accountsOf(counted);
  const services = servicesOver(accounts, statements);
  return {
    db,
    accounts,
    statements,
    services,
    past: new Past(db),
    drop: () => db.drop(),
    /** Runs a query as a caller and returns the data; errors fail the test, unless they are wanted. */
    async ask(caller: Caller, query: string, wanted: 'data' | 'errors' = 'data') {
      statements.length = 0;
      const contextValue = createContext({ caller, requestId: 'test', services, now: new Date(BEGINNING + DAY_MS) });
      const result = await execute({ schema, document: parse(query), contextValue });
      if (wanted === 'errors') return result.errors as never;
      if (result.errors) throw new Error(result.errors.map(({ message }) => message).join('; '));
      // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
      return JSON.parse(JSON.stringify(result.data)) as any;
    },
  };
}

/** Stubs what other services return, and counts each call as a statement. */
function servicesOver(accounts: Accounts, statements: string[]): AppServices {
  const subscriptions = async (name: string, ids: readonly string[]) => {
    statements.push(name);
    return ids.map((id) => ({ id, versionId: id, version: 1, title: 'Silent films' }) as SubscriptionAtVersion);
  };
  return stubServices({
    accounts,
    catalogue: {
      filmsByIds: async () => [],
      subscriptionsByIds: (ids: readonly string[]) => subscriptions('subscriptions-by-ids', ids),
      subscriptionsByVersionIds: (ids: readonly string[]) => subscriptions('subscriptions-by-version-ids', ids),
    },
    refunds: {
      refundables: async (transactions: readonly { kind: string; amount: number }[]) => {
        statements.push('refundables');
        return transactions.map(({ kind, amount }) => (kind === 'TOP_UP' ? amount : null));
      },
      quotes: async (grants: readonly unknown[]) => {
        statements.push('quotes');
        return grants.map(() => null);
      },
    },
  });
}

/** Writes rows as the ledger would have, one second apart. */
class Past {
  private versionId: string | undefined;
  private seconds = 0;

  constructor(private readonly db: TestDatabase) {}

  private tick(): Date {
    return new Date(BEGINNING + this.seconds++ * 1_000);
  }

  async viewer(userId: string = randomUUID()): Promise<string> {
    const at = this.tick();
    await this.db.rows(`insert into balances (user_id, currency, created_at, updated_at) values ($1, 'EUR', $2, $2)`, [
      userId,
      at,
    ]);
    return userId;
  }

  private async version(): Promise<string> {
    if (this.versionId) return this.versionId;
    const [film, subscription, version] = [randomUUID(), randomUUID(), randomUUID()];
    const at = this.tick();
    await this.db.rows(`insert into films (id, title, created_at, updated_at) values ($1, 'Metropolis', $2, $2)`, [film, at]);
    await this.db.rows(
      `insert into subscriptions (id, title, description, status, created_at, updated_at) values ($1, 'Silent films', '', 'ACTIVE', $2, $2)`,
      [subscription, at],
    );
    await this.db.rows(
      `with version as (
         insert into subscription_versions (id, subscription_id, version, price_per_day, duration_days, price, currency, film_count, created_at)
         values ($1, $2, 1, 10, 30, 300, 'EUR', 1, $4) returning id)
       insert into subscription_version_films (version_id, film_id) select id, $3 from version`,
      [version, subscription, film, at],
    );
    this.versionId = version;
    return version;
  }

  /** A paid order and its TOP_UP. */
  async topUp(userId: string, amount: number): Promise<{ orderId: string; transactionId: string; at: Date }> {
    const [orderId, transactionId] = [randomUUID(), randomUUID()];
    const at = this.tick();
    await this.db.rows(
      `insert into orders (id, user_id, kind, status, amount, currency, created_at, expires_at, paid_at, return_url,
         stripe_payment_intent_id, captured_amount, checkout_url)
       values ($1::uuid, $2, 'TOP_UP', 'PAID', $3, 'EUR', $4, $4, $4, '', 'pi_' || $1::text, $3, 'https://checkout.example')`,
      [orderId, userId, amount, at],
    );
    await this.move(userId, amount, at, transactionId, `'TOP_UP', 'STRIPE', '${orderId}'::uuid, null::uuid, 'pi_${orderId}'`);
    return { orderId, transactionId, at };
  }

  /** A grant with its SPENDING of 300. */
  async grant(userId: string): Promise<string> {
    const [grantId, spendingId, versionId] = [randomUUID(), randomUUID(), await this.version()];
    const at = this.tick();
    await this.move(
      userId,
      -300,
      at,
      spendingId,
      `'SPENDING', 'REVENUE', null::uuid, '${grantId}'::uuid, null`,
      `, given as (insert into grants (id, user_id, version_id, status, paid_with, price_per_day, duration_days, currency,
           granted_at, starts_at, available_until, spending_id)
         select '${grantId}', user_id, '${versionId}', 'ACTIVE', 'BALANCE', 10, 30, 'EUR', updated_at, updated_at,
           updated_at + interval '30 days', '${spendingId}' from changed)`,
    );
    return grantId;
  }

  private async move(userId: string, amount: number, at: Date, id: string, rest: string, also = ''): Promise<void> {
    await this.db.rows(
      `with changed as (
         update balances set posted = posted + $2, version = version + 1, updated_at = $3 where user_id = $1
         returning user_id, posted, version, updated_at)${also}
       insert into transactions (id, user_id, amount, currency, balance_after, version, created_at, kind, counter_account, order_id,
         grant_id, stripe_payment_intent_id)
       select $4, user_id, $2, 'EUR', posted, version, updated_at, ${rest} from changed`,
      [userId, amount, at, id],
    );
  }
}
