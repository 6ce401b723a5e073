import type { Queryable, Statement } from '../../stores/database.js';

/** A viewer's page that one statement reads: exactly the fields that were asked for, as the text of the answer. */
export interface AccountPage {
  readonly statement: Statement;
  readonly values: readonly Value[];
}

/** The page as JSON text. @throws InvalidArgument or InvalidCursor, as the connections do */
export async function readAccountPage(database: Queryable, page: AccountPage, request: AccountPageRequest): Promise<string> {
  const values = page.values.map((value) => value(request));
  const [row] = await database.query<{ text: string }>(page.statement, values);
  if (typeof row?.text !== 'string') throw new Error('a page is one row with a text');
  return row.text;
}

/** What the values of a page's statement follow from. */
export interface AccountPageRequest {
  readonly userId: string;
  /** ISO 4217: of a balance that does not exist yet. */
  readonly currency: string;
  readonly pageMaximumCount: number;
  readonly variables: Readonly<Record<string, unknown>>;
}

export type Value = (request: AccountPageRequest) => unknown;
