import DataLoader from 'dataloader';
import type { Grant, GrantStatus } from '../entities/grant.js';
import type { OrderStatus } from '../entities/order.js';
import type { Transaction, TransactionKind } from '../entities/transaction.js';
import type { PageRequest } from '../services/accounts/account-pages.js';
import type { BalanceInstant } from '../services/accounts/balances.js';
import { parseId } from '../services/ids.js';
import type { Page } from '../services/pagination.js';
import type { AppServices } from '../services/services.js';

/** Ids per statement; larger batches are split. */
const BATCH_COUNT = 1_000;

type Batch<Row> = (ids: readonly string[]) => Promise<readonly Row[]>;

/** Loads one row by a UUID. Anything that is not a UUID gives null, and never reaches the database. */
class RowLoader<Row> {
  private readonly loader: DataLoader<string, Row | null>;

  constructor(batch: Batch<Row>, keyOf: (row: Row) => string | null) {
    this.loader = new DataLoader(
      async (ids) => {
        const rows = new Map((await batch(ids)).map((row) => [keyOf(row), row]));
        return ids.map((id) => rows.get(id) ?? null);
      },
      { maxBatchSize: BATCH_COUNT },
    );
  }

  async load(anyId: string | null | undefined): Promise<Row | null> {
    const id = parseId(anyId);
    return id ? this.loader.load(id) : null;
  }
}

/** Loads all rows of a parent, in the statement's order. */
function listLoader<Row>(batch: Batch<Row>, parentOf: (row: Row) => string | null): DataLoader<string, Row[]> {
  return new DataLoader(
    async (parentIds) => {
      const lists = new Map<string | null, Row[]>(parentIds.map((id) => [id, []]));
      for (const row of await batch(parentIds)) lists.get(parentOf(row))?.push(row);
      return parentIds.map((id) => lists.get(id) ?? []);
    },
    { maxBatchSize: BATCH_COUNT },
  );
}

/** Loads pages of many parents: those requested with the same arguments are read in one statement. */
class PageLoader<Node, Request extends PageRequest> {
  private readonly loaders = new Map<string, DataLoader<string, Page<Node>>>();

  constructor(private readonly batch: (parentIds: readonly string[], request: Request) => Promise<readonly Page<Node>[]>) {}

  load(parentId: string, request: Request): Promise<Page<Node>> {
    const key = `${request.first} ${request.after ?? ''} ${request.filter ?? ''}`;
    let loader = this.loaders.get(key);
    if (!loader) {
      loader = new DataLoader((parentIds) => this.batch(parentIds, request), { maxBatchSize: BATCH_COUNT });
      this.loaders.set(key, loader);
    }
    return loader.load(parentId);
  }
}

/**
 * Batches the reads of one operation, and caches them. Only for the lifetime of one operation or one live event, because what
 * is cached becomes stale.
 */
export function createLoaders(services: AppServices) {
  const { catalogue, access, refunds, stripeInbox, reconciliations, proofs, rootStore } = services;
  const { rows, pages, balances } = services.accounts;
  const byId = (row: { id: string }) => row.id;
  const byRowId = { cacheKeyFn: byId, maxBatchSize: BATCH_COUNT };
  const accessOf = new Map<string | null, DataLoader<string, Awaited<ReturnType<typeof access.decideAny>>[number]>>();
  return {
    film: new RowLoader(catalogue.filmsByIds.bind(catalogue), byId),
    subscription: new RowLoader(catalogue.subscriptionsByIds.bind(catalogue), byId),
    subscriptionAtVersion: new RowLoader(catalogue.subscriptionsByVersionIds.bind(catalogue), (row) => row.versionId),
    filmsOfVersion: new PageLoader((ids, request: PageRequest) => catalogue.filmsOfVersions(ids, request)),
    subscriptionsOfFilm: new PageLoader((ids, request: PageRequest) => catalogue.subscriptionsOfFilms(ids, request)),
    access: (userId: string | null) => {
      const known = accessOf.get(userId);
      if (known) return known;
      const loader = new DataLoader((filmIds: readonly string[]) => access.decideAny(userId, filmIds));
      accessOf.set(userId, loader);
      return loader;
    },
    grant: new RowLoader(rows.grantsByIds, byId),
    grantOfOrder: new RowLoader(rows.grantsByOrders, (grant) => grant.orderId),
    order: new RowLoader(rows.ordersByIds, byId),
    transaction: new RowLoader(rows.transactionsByIds, byId),
    transactionsOfOrder: listLoader(rows.transactionsByOrders, (transaction) => transaction.orderId),
    transactionsOfRefund: listLoader(rows.transactionsByRefunds, (transaction) => transaction.refundId),
    refund: new RowLoader(rows.refundsByIds, byId),
    refundsOfGrant: listLoader(rows.refundsByGrants, (refund) => refund.grantId),
    refundable: new DataLoader((transactions: readonly Transaction[]) => refunds.refundables(transactions), byRowId),
    hashOfTransaction: new DataLoader((transactions: readonly Transaction[]) => proofs.hashesOf(transactions), byRowId),
    refundQuote: new DataLoader((grants: readonly Grant[]) => refunds.quotes(grants), byRowId),
    balance: new DataLoader((userIds: readonly string[]) => balances.byUsers(userIds), { maxBatchSize: BATCH_COUNT }),
    postedAt: new DataLoader((instants: readonly BalanceInstant[]) => balances.postedAt(instants), {
      cacheKeyFn: ({ userId, time }) => `${userId} ${time.getTime()}`,
      maxBatchSize: BATCH_COUNT,
    }),
    proof: new DataLoader((userIds: readonly string[]) => proofs.ofViewers(userIds), { maxBatchSize: BATCH_COUNT }),
    grantsOfViewer: new PageLoader((ids, request: PageRequest<GrantStatus>) => pages.grants(ids, request)),
    ordersOfViewer: new PageLoader((ids, request: PageRequest<OrderStatus>) => pages.orders(ids, request)),
    transactionsOfViewer: new PageLoader((ids, request: PageRequest<TransactionKind>) => pages.transactions(ids, request)),
    stripeEvent: new RowLoader(stripeInbox.byIds.bind(stripeInbox), byId),
    ledgerRoot: new RowLoader(rootStore.byIds.bind(rootStore), byId),
    reconciliation: new RowLoader(reconciliations.byIds.bind(reconciliations), byId),
    findingsOfReconciliation: listLoader(reconciliations.findingsOf.bind(reconciliations), (row) => row.reconciliationId),
  };
}

export type Loaders = ReturnType<typeof createLoaders>;
