import { createHash } from 'node:crypto';
import type { GraphQLSchema } from 'graphql';
import { Balance } from '../../entities/balance.js';
import { Film } from '../../entities/film.js';
import { Grant } from '../../entities/grant.js';
import { Subscription } from '../../entities/subscription.js';
import { SubscriptionVersion } from '../../entities/subscription-version.js';
import { Transaction } from '../../entities/transaction.js';
import type { AccountPage } from '../../services/accounts/accounts.js';
import { columnNames } from '../../stores/columns.js';
import {
  columnFields,
  connection,
  type JsonType,
  money,
  NotInOneStatement,
  nullable,
  objectPieces,
  StatementBuilder,
  toSql,
  type WriteField,
  word,
} from './json-sql.js';
import type { Selected } from './look-ahead.js';

/**
 * Plans the statement for a selection on the root: the viewer's account under one or more aliases. Null when it selects
 * anything that one statement cannot return. For `account`, see accountType.
 */
export function planAccountPage(account: JsonType, selection: readonly Selected[]): AccountPage | null {
  const builder = new StatementBuilder();
  const userId = builder.parameter('uuid', (request) => request.userId);
  try {
    const root = {
      name: 'Query',
      fields: {
        me: (row: string, selected: Selected) => objectPieces(account, row, selected.selection, builder),
      },
    };
    const text = toSql(objectPieces(root, 'viewer', selection, builder));
    const statement = `select ${text} as text from (select ${userId} as user_id) viewer`;
    // Connections identify a prepared statement by its name, so equal texts need equal names and different texts different
    // ones.
    const name = `account-page-${createHash('sha256').update(statement).digest('hex').slice(0, 16)}`;
    return { statement: { name, text: statement, family: 'account-page' }, values: builder.values };
  } catch (error) {
    if (error instanceof NotInOneStatement) return null;
    throw error;
  }
}

const MAX_UUID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
const MIN_UUID = '00000000-0000-0000-0000-000000000000';
const MAX_VERSION = 2_147_483_647;

/** The row that a foreign key points at, which therefore exists. */
const one =
  (type: () => JsonType, from: (parent: string) => string): WriteField =>
  (parent, { selection }, builder) => {
    const row = builder.nextRow();
    return [{ sql: `(select ${toSql(objectPieces(type(), row, selection, builder))} from (${from(parent)}) ${row})` }];
  };

/** The films of the parent row's version, ordered by title. */
function filmsOf(schema: GraphQLSchema): WriteField {
  const film: JsonType = { name: 'Film', fields: columnFields(schema, 'Film', [Film]) };
  return connection({
    name: 'Film',
    node: () => film,
    cursor: ['text', 'uuid'],
    start: ['', MIN_UUID],
    rows: (parent, conditions) =>
      `select f.* from subscription_version_films vf join films f on f.id = vf.film_id
       where vf.version_id = ${parent}.version_id ${conditions} order by f.title, f.id`,
    isAfter: ([title, id]) => `(f.title, f.id) > (${title}, ${id})`,
    packed: (row) => `'[' || to_json(${row}.title) || ',"' || ${row}.id || '"]'`,
  });
}

/** The columns of a subscription, and those that only its version has. */
function subscriptionColumns(): string {
  const own = [...columnNames(Subscription).values()];
  const ofVersion = [...columnNames(SubscriptionVersion).values()].filter((column) => !own.includes(column));
  return [...own.map((column) => `s.${column}`), ...ofVersion.map((column) => `v.${column}`), 'v.id as version_id'].join(', ');
}

function grantType(schema: GraphQLSchema): JsonType {
  const films = filmsOf(schema);
  const subscription: JsonType = {
    name: 'Subscription',
    fields: { ...columnFields(schema, 'Subscription', [Subscription, SubscriptionVersion]), films },
  };
  const ofVersion = (parent: string) =>
    `select ${subscriptionColumns()} from subscription_versions v join subscriptions s on s.id = v.subscription_id
     where v.id = ${parent}.version_id`;
  const fields = { ...columnFields(schema, 'Grant', [Grant]), films };
  return { name: 'Grant', fields: { ...fields, subscription: one(() => subscription, ofVersion) } };
}

function transactionType(schema: GraphQLSchema, grant: JsonType): JsonType {
  const ofTransaction = one(
    () => grant,
    (row) => `select * from grants where id = ${row}.grant_id`,
  );
  return {
    name: 'Transaction',
    fields: { ...columnFields(schema, 'Transaction', [Transaction]), grant: nullable(ofTransaction) },
  };
}

function balanceOf(schema: GraphQLSchema): WriteField {
  const balance: JsonType = {
    name: 'Balance',
    fields: {
      ...columnFields(schema, 'Balance', [Balance]),
      available: money((row) => `(${row}.posted - ${row}.held)`),
    },
  };
  return (parent, selected, builder) => {
    const currency = builder.parameter('text', (request) => request.currency);
    // Viewers who have no balance yet get zero in the configured currency. A balance that never changed has no time of a last
    // change.
    const rows = `select coalesce(b.currency, ${currency}) as currency, coalesce(b.posted, 0) as posted, coalesce(b.held, 0) as held,
        coalesce(b.version, 0) as version, case when b.version > 0 then b.updated_at end as updated_at
      from (select) nothing left join balances b on b.user_id = ${parent}.user_id`;
    return one(
      () => balance,
      () => rows,
    )(parent, selected, builder);
  };
}

/** A viewer's account, as far as one statement can read it; its row has only the `user_id`. */
export function accountType(schema: GraphQLSchema): JsonType {
  const grant = grantType(schema);
  const transaction = transactionType(schema, grant);
  return {
    name: 'Account',
    fields: {
      userId: word('user_id'),
      balance: balanceOf(schema),
      grants: connection({
        name: 'Grant',
        node: () => grant,
        cursor: ['instant', 'uuid'],
        start: ['infinity', MAX_UUID],
        filter: 'status',
        rows: (parent, conditions) =>
          `select * from grants where user_id = ${parent}.user_id ${conditions} order by granted_at desc, id desc`,
        isAfter: ([at, id]) => `(granted_at, id) < (${at}, ${id})`,
        packed: (row) => `'[' || (extract(epoch from ${row}.granted_at) * 1000)::bigint || ',"' || ${row}.id || '"]'`,
      }),
      transactions: connection({
        name: 'Transaction',
        node: () => transaction,
        cursor: ['integer'],
        start: [MAX_VERSION],
        filter: 'kind',
        rows: (parent, conditions) =>
          `select * from transactions where user_id = ${parent}.user_id ${conditions} order by version desc`,
        isAfter: ([version]) => `version < ${version}`,
        packed: (row) => `'[' || ${row}.version || ']'`,
      }),
    },
  };
}
