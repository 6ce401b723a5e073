import type {
  BalanceTransactionBody,
  ChargeBody,
  CustomerRow,
  DisputeBody,
  LineItemBody,
  PaymentIntentBody,
  PriceBody,
  ProductBody,
  RefundBody,
  SessionBody,
} from './bodies.js';
import { MAX_EVENTS, MAX_IDEMPOTENCY_RECORDS, MAX_OBJECTS_PER_KIND } from './limits.js';
import { type Change, StateLog } from './state-log.js';
import { StripeFailure } from './stripe-error.js';
import { type Row, Table } from './table.js';

/** A line item and its session. */
export interface LineItemRow extends Row {
  readonly session: string;
  readonly item: LineItemBody;
}

/** The payment intent settings of a session; `id` is the session's. */
export interface IntentDataRow extends Row {
  readonly metadata: Record<string, string>;
  readonly description: string | null;
  readonly receiptEmail: string | null;
}

/** An event as it was created: its text never changes, only the number of pending webhooks. */
export interface EventRow extends Row {
  readonly type: string;
  readonly created: number;
  readonly text: string;
  readonly pendingWebhooks: number;
}

/** A pending webhook delivery. `delayMs` is the delay of its first attempt. */
export interface DeliveryRow extends Row {
  readonly event: string;
  readonly delayMs: number;
}

/** The response stored for an idempotency key. */
export interface IdempotencyRow extends Row {
  readonly requestHash: string;
  readonly created: number;
  readonly statusCode: number;
  readonly text: string;
}

/** Something that becomes due by the sandbox's clock; without a time, only a control call triggers it. `id` is the object's. */
export interface ScheduledRow extends Row {
  readonly kind: 'payment' | 'refund';
  readonly outcome: 'succeeded' | 'failed';
  readonly dueAt: number | null;
}

export interface SettingsRow extends Row {
  readonly clockOffsetMs: number;
}

/** The sandbox's state. It changes in transactions: either all changes are kept and on disk, or none. */
export class Store {
  readonly products = new Table<ProductBody>('products');
  readonly prices = new Table<PriceBody>('prices', ['product', 'lookup_key']);
  readonly customers = new Table<CustomerRow>('customers');
  readonly sessions = new Table<SessionBody>('sessions', ['payment_intent', 'customer', 'status']);
  readonly lineItems = new Table<LineItemRow>('lineItems', ['session']);
  readonly intentData = new Table<IntentDataRow>('intentData');
  readonly paymentIntents = new Table<PaymentIntentBody>('paymentIntents', ['customer']);
  readonly charges = new Table<ChargeBody>('charges', ['payment_intent', 'customer']);
  readonly refunds = new Table<RefundBody>('refunds', ['payment_intent', 'charge']);
  readonly disputes = new Table<DisputeBody>('disputes', ['payment_intent', 'charge']);
  readonly balanceTransactions = new Table<BalanceTransactionBody>('balanceTransactions', ['source']);
  readonly events = new Table<EventRow>('events', ['type']);
  readonly deliveries = new Table<DeliveryRow>('deliveries', ['event']);
  readonly idempotency = new Table<IdempotencyRow>('idempotency');
  readonly scheduled = new Table<ScheduledRow>('scheduled');
  readonly settings = new Table<SettingsRow>('settings');

  private readonly tables = new Map<string, Table<Row>>();
  private readonly log: StateLog | null;
  private changes: Change[] | null = null;
  private undo: (() => void)[] = [];
  private committed: (() => void)[] = [];

  constructor(stateFile: string | null) {
    for (const value of Object.values(this)) if (value instanceof Table) this.tables.set(value.name, value);
    this.log = stateFile === null ? null : StateLog.open(stateFile, (change) => this.replay(change));
  }

  /** Runs `work` as one transaction: its changes are undone if it throws. Nested transactions join the outer one. */
  transaction<T>(work: () => T): T {
    if (this.changes !== null) return work();
    this.changes = [];
    this.undo = [];
    this.committed = [];
    try {
      const result = work();
      if (this.changes.length > 0) this.log?.append(this.changes);
      this.changes = null;
      for (const callback of this.committed) callback();
      if (this.log?.wantsCompaction === true) this.log.compact(this.allRows());
      return result;
    } catch (error) {
      if (this.changes !== null) for (const revert of this.undo.reverse()) revert();
      throw error;
    } finally {
      this.changes = null;
    }
  }

  put<R extends Row>(table: Table<R>, row: R): R {
    const before = table.get(row.id);
    if (before === undefined) refuseBeyondLimit(table);
    this.record([table.name, row.id, row], before === undefined ? () => table.remove(row.id) : () => table.put(before));
    table.put(row);
    return row;
  }

  remove<R extends Row>(table: Table<R>, id: string): void {
    const before = table.get(id);
    if (before === undefined) return;
    this.record([table.name, id, null], () => table.put(before));
    table.remove(id);
  }

  /** Runs a function after the current transaction has been committed; not at all if it is undone. */
  afterCommit(callback: () => void): void {
    this.committed.push(callback);
  }

  /** Deletes the oldest events and idempotency responses beyond their limits. */
  prune(): void {
    this.transaction(() => {
      this.pruneTable(this.events, MAX_EVENTS);
      this.pruneTable(this.idempotency, MAX_IDEMPOTENCY_RECORDS);
    });
  }

  reset(): void {
    for (const table of this.tables.values()) table.clear();
    this.log?.compact([]);
  }

  /** Compacts the file, then closes it. */
  close(): void {
    this.log?.compact(this.allRows());
    this.abandon();
  }

  /** Closes the file without changing it: another sandbox may be using it. */
  abandon(): void {
    this.log?.close();
  }

  private pruneTable<R extends Row>(table: Table<R>, maximum: number): void {
    let excess = table.size - maximum;
    if (excess <= 0) return;
    const oldest: string[] = [];
    for (const row of table.rows()) {
      if (excess <= 0) break;
      oldest.push(row.id);
      excess -= 1;
    }
    for (const id of oldest) this.remove(table, id);
  }

  private record(change: Change, revert: () => void): void {
    if (this.changes === null) throw new Error('A change of the sandbox outside a transaction');
    this.changes.push(change);
    this.undo.push(revert);
  }

  private replay([name, id, row]: Change): void {
    const table = this.tables.get(name);
    if (row === null) table?.remove(id);
    else table?.put(row as Row);
  }

  private *allRows(): Generator<Change> {
    for (const [name, table] of this.tables) for (const row of table.rows()) yield [name, row.id, row];
  }
}

function refuseBeyondLimit(table: { readonly name: string; readonly size: number }): void {
  if (table.size < MAX_OBJECTS_PER_KIND) return;
  const message = `The sandbox is full: it holds ${MAX_OBJECTS_PER_KIND} ${table.name}. POST /sandbox/reset empties it.`;
  throw new StripeFailure(500, { type: 'api_error', message }, false, { 'Stripe-Should-Retry': 'false' });
}
