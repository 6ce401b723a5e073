import type { Queryable, Statement } from '../../stores/database.js';

/** A viewer's page read by one statement: exactly the requested fields, as the response's JSON text. */
export interface AccountPage {
  readonly statement: Statement;
  readonly values: readonly Value[];
}

/** Returns the page as JSON text. @throws InvalidArgument or InvalidCursor, like the connections */
export async function readAccountPage(database: Queryable, page: AccountPage, request: AccountPageRequest): Promise<string> {
  const values = page.values.map((value) => value(request));
  const [row] = await database.query<{ text: string }>(page.statement, values);
  if (typeof row?.text !== 'string') throw new Error('a page is one row with a text');
  return row.text;
}

/** The input from which the values of a page's statement are computed. */
export interface AccountPageRequest {
  readonly userId: string;
  /** ISO 4217: the currency of a balance that does not exist yet. */
  readonly currency: string;
  readonly pageMaximumCount: number;
  readonly variables: Readonly<Record<string, unknown>>;
}

export type Value = (request: AccountPageRequest) => unknown;
