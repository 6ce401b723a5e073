import { createHash } from 'node:crypto';
import type { AccountPage } from '../../services/accounts/account-page.js';
import { type JsonType, NotInOneStatement, objectPieces, toSql } from './json-pieces.js';
import { StatementBuilder } from './page-statement.js';
import type { Selected } from './selection.js';

/**
 * Plans the statement for `selection`, which is of the root: the viewer's account under one or more names. Null when it asks
 * for anything that one statement cannot give. `account`: see accountType.
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
    // Connections know a prepared statement by its name: the same text has the same name, another text another.
    const name = `account-page-${createHash('sha256').update(statement).digest('hex').slice(0, 16)}`;
    return { statement: { name, text: statement, family: 'account-page' }, values: builder.values };
  } catch (error) {
    if (error instanceof NotInOneStatement) return null;
    throw error;
  }
}
