import type { Queryable, Statement } from '../../stores/database.js';
import { type AccountPage, type AccountPageRequest, readAccountPage } from './account-page.js';
import { AccountPages } from './account-pages.js';
import { AccountRows } from './account-rows.js';
import { Balances } from './balances.js';

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
  accountPage(page: AccountPage, userId: string, variables: AccountPageRequest['variables']): Promise<string> {
    const { database, currency, pageMaximumCount } = this.dependencies;
    return readAccountPage(database, page, { userId, currency, pageMaximumCount, variables });
  }

  /** Returns the type of the object with this id (a UUID); null if there is none. */
  async kindOf(id: string): Promise<NodeKind | null> {
    const [row] = await this.dependencies.database.query<{ kind: NodeKind }>(kindOfNode, [id]);
    return row?.kind ?? null;
  }
}
