import { createHash } from 'node:crypto';
import type { Queryable, Statement } from '../../stores/database.js';
import type { Selected } from '../selection.js';
import { accountType } from './account-json.js';
import { NotInOneStatement, objectPieces, toSql } from './json-pieces.js';
import { type AccountPageRequest, StatementBuilder, type Value } from './page-statement.js';

/** A viewer's page that one statement reads: exactly the fields that were asked for, as the text of the answer. */
export interface AccountPage {
  readonly statement: Statement;
  readonly values: readonly Value[];
}

/**
 * Plans the statement for `selection`, which is of the root: the viewer's account under one or more names. Null when it asks
 * for anything that one statement cannot give.
 */
export function planAccountPage(selection: readonly Selected[]): AccountPage | null {
  const builder = new StatementBuilder();
  const userId = builder.parameter('uuid', (request) => request.userId);
  try {
    const root = {
      name: 'Query',
      fields: {
        me: (row: string, selected: Selected) => objectPieces(accountType, row, selected.selection, builder),
      },
    };
    const text = toSql(objectPieces(root, 'viewer', selection, builder));
    const statement = `select ${text} as text from (select ${userId} as user_id) viewer`;
    // Connections know a prepared statement by its name: the same text has the same name, another text another.
    const name = `account-page-${createHash('sha256').update(statement).digest('hex').slice(0, 16)}`;
    return { statement: { name, text: statement }, values: builder.values };
  } catch (error) {
    if (error instanceof NotInOneStatement) return null;
    throw error;
  }
}

/** The page as JSON text. Fails with InvalidArgument or InvalidCursor, as the connections do. */
export async function readAccountPage(database: Queryable, page: AccountPage, request: AccountPageRequest): Promise<string> {
  const values = page.values.map((value) => value(request));
  const [row] = await database.query<{ text: string }>(page.statement, values);
  if (typeof row?.text !== 'string') throw new Error('a page is one row with a text');
  return row.text;
}
