import type { Queryable, Statement } from '../../stores/database.js';
import { type AccountPage, type AccountPageRequest, readAccountPage } from './account-page.js';
import { AccountPages } from './account-pages.js';
import { AccountRows } from './account-rows.js';
import { Balances } from './balances.js';

/** The types of the contract that `node(id)` finds. */
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

/** What has happened: grants, orders, movements, refunds and balances, read without changing anything. */
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
   * The JSON text of a planned page, for a viewer, by one statement.
   *
   * @throws InvalidArgument for a page's size, InvalidCursor for its cursor
   */
  accountPage(page: AccountPage, userId: string, variables: AccountPageRequest['variables']): Promise<string> {
    const { database, currency, pageMaximumCount } = this.dependencies;
    return readAccountPage(database, page, { userId, currency, pageMaximumCount, variables });
  }

  /** What kind of thing has this id (a UUID); null when nothing has. */
  async kindOf(id: string): Promise<NodeKind | null> {
    const [row] = await this.dependencies.database.query<{ kind: NodeKind }>(kindOfNode, [id]);
    return row?.kind ?? null;
  }
}
