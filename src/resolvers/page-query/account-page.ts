import { createHash } from 'node:crypto';
import type { AccountPage } from '../../services/accounts/account-page.js';
import { type JsonType, NotInOneStatement, objectPieces, toSql } from './json-pieces.js';
import { StatementBuilder } from './page-statement.js';
import type { Selected } from './selection.js';

/**
 * Plans the statement for a selection on the root: the viewer's account under one or more aliases. Null when it selects
 * anything that one statement cannot return. For `account`, see accountType.
 */
export function planAccountPage(account: JsonType<StatementBuilder>, selection: readonly Selected[]): AccountPage | null {
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
