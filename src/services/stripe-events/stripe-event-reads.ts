import type { StripeEvent, StripeEventStatus } from '../../entities/stripe-event.js';
import type { Queryable } from '../../stores/database.js';
import { checkedFirst, decodeCursor, type Page, pageOf } from '../pagination.js';
import { findStripeEventsByIds, pageStripeEvents } from './inbox-statements.js';

export interface StripeEventPageRequest {
  readonly first: number;
  readonly after?: string | null;
  readonly status?: StripeEventStatus | null;
}

/** Reads the inbox, for admins. */
export class StripeEventReads {
  constructor(
    private readonly database: Queryable,
    private readonly pageMaximumCount: number,
  ) {}

  /** Newest first. @throws InvalidArgument for `first`, InvalidCursor for `after` */
  async page({ first, after, status }: StripeEventPageRequest): Promise<Page<StripeEvent>> {
    checkedFirst(first, this.pageMaximumCount);
    const [receivedAt, id] = after ? decodeCursor(after, ['instant', 'uuid']) : [null, null];
    const rows = await this.database.query<StripeEvent>(pageStripeEvents, [status ?? null, receivedAt, id, first + 1]);
    return pageOf(rows, first, (event) => [event.receivedAt, event.id], after);
  }

  /** Those that there are, in no order. The ids must be UUIDs. */
  byIds(ids: readonly string[]): Promise<StripeEvent[]> {
    return this.database.query<StripeEvent>(findStripeEventsByIds, [ids]);
  }
}
