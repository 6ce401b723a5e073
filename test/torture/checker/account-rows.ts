import type {
  DisputeRow,
  FinalState,
  GrantRow,
  HoldRow,
  JournalRow,
  OrderRow,
  PlanRow,
  RefundRow,
  TransactionRow,
} from './final-state.js';

/** The rows of one viewer, by what they are looked up by. */
export interface AccountRows {
  readonly viewer: string;
  /** By number. */
  readonly journal: readonly JournalRow[];
  readonly transactions: ReadonlyMap<string, TransactionRow>;
  readonly grants: ReadonlyMap<string, GrantRow>;
  readonly grantOfOrder: ReadonlyMap<string, GrantRow>;
  readonly refunds: ReadonlyMap<string, RefundRow>;
  readonly holds: readonly HoldRow[];
  readonly orders: ReadonlyMap<string, OrderRow>;
  readonly disputes: ReadonlyMap<string, DisputeRow>;
  readonly plans: ReadonlyMap<string, PlanRow>;
}

export const byId = <Row extends { readonly id: string }>(rows: readonly Row[]): ReadonlyMap<string, Row> =>
  new Map(rows.map((row) => [row.id, row]));

export function groupBy<Row>(rows: readonly Row[], keyOf: (row: Row) => string): ReadonlyMap<string, readonly Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const group = groups.get(keyOf(row));
    if (group) group.push(row);
    else groups.set(keyOf(row), [row]);
  }
  return groups;
}

/** The rows of each viewer who has any. */
export function accountsIn(final: FinalState): ReadonlyMap<string, AccountRows> {
  const viewerOf = (row: { readonly viewer: string }) => row.viewer;
  const parts = {
    journal: groupBy(final.journal, viewerOf),
    transactions: groupBy(final.transactions, viewerOf),
    grants: groupBy(final.grants, viewerOf),
    refunds: groupBy(final.refunds, viewerOf),
    holds: groupBy(final.holds, viewerOf),
    orders: groupBy(final.orders, viewerOf),
    disputes: groupBy(final.disputes, viewerOf),
  };
  const plans = new Map(final.plans.map((plan) => [plan.versionId, plan]));
  const viewers = new Set(Object.values(parts).flatMap((part) => [...part.keys()]));
  return new Map(
    [...viewers].map((viewer): [string, AccountRows] => {
      const grants = parts.grants.get(viewer) ?? [];
      return [
        viewer,
        {
          viewer,
          journal: [...(parts.journal.get(viewer) ?? [])].sort((one, other) => one.sequence - other.sequence),
          transactions: byId(parts.transactions.get(viewer) ?? []),
          grants: byId(grants),
          grantOfOrder: new Map(grants.flatMap((grant) => (grant.orderId ? [[grant.orderId, grant]] : []))),
          refunds: byId(parts.refunds.get(viewer) ?? []),
          holds: parts.holds.get(viewer) ?? [],
          orders: byId(parts.orders.get(viewer) ?? []),
          disputes: byId(parts.disputes.get(viewer) ?? []),
          plans,
        },
      ];
    }),
  );
}
