import type Stripe from 'stripe';
import { integer, type TimeRange, text, timeRange } from './parameters.js';
import { invalidRequest, resourceMissing } from './stripe-error.js';
import type { Row, Table } from './table.js';

const DEFAULT_LIMIT = 10;
const MAX_LIMIT = 100;

/** The parameters of every list: https://docs.stripe.com/api/pagination */
export const pageParameters = {
  limit: integer({ minimum: 1, maximum: MAX_LIMIT }),
  starting_after: text(),
  ending_before: text(),
};
export const createdParameter = { created: timeRange() };

interface PageRequest {
  limit: number | undefined;
  starting_after: string | undefined;
  ending_before: string | undefined;
}

export interface PageOptions<R extends Row, Item> {
  table: Table<R>;
  page: PageRequest;
  url: string;
  /** The objects' name in the error for an unknown cursor. */
  kind: string;
  /** An indexed column that must have this value. */
  where?: { column: keyof R & string; value: string } | undefined;
  matches?: (row: R) => boolean;
  /** Stripe lists the newest first, except for line items. */
  order?: 'newest_first' | 'oldest_first';
  view: (row: R) => Item;
}

/** Returns one page of a list. @throws resource_missing for an unknown cursor */
export function pageOf<R extends Row, Item>(options: PageOptions<R, Item>): Stripe.ApiList<Item> {
  const { table, page } = options;
  if (page.starting_after !== undefined && page.ending_before !== undefined) {
    throw invalidRequest('You cannot provide both starting_after and ending_before.', { param: 'ending_before' });
  }
  const backwards = page.ending_before !== undefined;
  const cursor = page.starting_after ?? page.ending_before;
  if (cursor !== undefined && !table.has(cursor)) {
    throw resourceMissing(options.kind, cursor, backwards ? 'ending_before' : 'starting_after');
  }
  const limit = page.limit ?? DEFAULT_LIMIT;
  const direction = backwards === (options.order === 'oldest_first') ? 'older' : 'newer';
  const rows: R[] = [];
  let hasMore = false;
  for (const row of table.walk(direction, cursor, options.where)) {
    if (options.matches?.(row) === false) continue;
    if (rows.length === limit) {
      hasMore = true;
      break;
    }
    rows.push(row);
  }
  if (backwards) rows.reverse();
  return { object: 'list', data: rows.map(options.view), has_more: hasMore, url: options.url };
}

export function inRange(created: number, range: TimeRange | undefined): boolean {
  return range === undefined || (created >= range.from && created <= range.to);
}
