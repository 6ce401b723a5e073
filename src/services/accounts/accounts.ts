import type { Queryable, Statement } from '../../stores/database.js';
import { AccountPages } from './account-pages.js';
import { AccountRows } from './account-rows.js';
import { Balances } from './balances.js';

/** The input from which the values of a page's statement are computed. */
export interface AccountPageRequest {
  readonly userId: string;
  /** ISO 4217: the currency of a balance that does not exist yet. */
  readonly currency: string;
  readonly pageMaximumCount: number;
  readonly variables: Readonly<Record<string, unknown>>;
}

export type Value = (request: AccountPageRequest) => unknown;

/** A viewer's page read by one statement: exactly the requested fields, as the response's JSON text. */
export interface AccountPage {
  readonly statement: Statement;
  readonly values: readonly Value[];
}

/** The schema's types that `node(id)` can return. */
export const NODE_KINDS = [
  'Film',
  'Subscription',
  'Grant',
  'Transaction',
  'Order',
  'Refund',
  'StripeEvent',
  'Reconciliation',
  'LedgerRoot',
] as const;
export type NodeKind = (typeof NODE_KINDS)[number];

const kindOfNode: Statement = {
  name: 'kind-of-node',
  text: NODE_KINDS.map((kind) => {
    const table = `${kind.replace(/\B[A-Z]/g, '_$&').toLowerCase()}s`;
    return `select '${kind}' as kind from ${table} where id = $1::uuid`;
  }).join(' union all '),
};

export interface AccountsDependencies {
  readonly database: Queryable;
  /** ISO 4217: the currency of balances that do not exist yet. */
  readonly currency: string;
  readonly pageMaximumCount: number;
}

/** Read-only access to a viewer's grants, orders, transactions, refunds and balance. */
export class Accounts {
  readonly rows: AccountRows;
  readonly pages: AccountPages;
  readonly balances: Balances;

  constructor(private readonly dependencies: AccountsDependencies) {
    this.rows = new AccountRows(dependencies.database);
    this.pages = new AccountPages(dependencies.database, dependencies.pageMaximumCount);
    this.balances = new Balances(dependencies.database, dependencies.currency);
  }

  /**
   * Runs the one statement of a planned page for a viewer and returns the JSON text.
   *
   * @throws InvalidArgument for an invalid page size, InvalidCursor for an invalid cursor
   */
  async accountPage(page: AccountPage, userId: string, variables: AccountPageRequest['variables']): Promise<string> {
    const { database, currency, pageMaximumCount } = this.dependencies;
    const request = { userId, currency, pageMaximumCount, variables };
    const values = page.values.map((value) => value(request));
    const [row] = await database.query<{ text: string }>(page.statement, values);
    if (typeof row?.text !== 'string') throw new Error('a page is one row with a text');
    return row.text;
  }

  /** Returns the type of the object with this id (a UUID); null if there is none. */
  async kindOf(id: string): Promise<NodeKind | null> {
    const [row] = await this.dependencies.database.query<{ kind: NodeKind }>(kindOfNode, [id]);
    return row?.kind ?? null;
  }
}
