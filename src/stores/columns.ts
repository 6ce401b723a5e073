import { type EntityMetadata, MetadataStorage, UnderscoreNamingStrategy } from '@mikro-orm/core';
import { Balance } from '../entities/balance.js';
import { Dispute } from '../entities/dispute.js';
import { Grant } from '../entities/grant.js';
import { JobState } from '../entities/job-state.js';
import { LedgerRoot } from '../entities/ledger-root.js';
import { Order } from '../entities/order.js';
import { Reconciliation } from '../entities/reconciliation.js';
import { ReconciliationFinding } from '../entities/reconciliation-finding.js';
import { Refund } from '../entities/refund.js';
import { StripeEvent } from '../entities/stripe-event.js';
import { Transaction } from '../entities/transaction.js';

const names = new UnderscoreNamingStrategy();

/** An entity's columns by property name, as declared by MikroORM's decorators. */
export function columnNames(entity: new () => object): ReadonlyMap<string, string> {
  const { properties } = (entity as unknown as Record<symbol, EntityMetadata>)[MetadataStorage.META_SYMBOL] as EntityMetadata;
  const stored = Object.values(properties).filter(({ persist }) => persist !== false);
  return new Map(stored.map(({ name }) => [name, names.propertyToColumnName(name)]));
}

/** The reason in an audit entry's text; null when the text was erased. `row`: the alias of the row that refers to it, with its dot. */
const auditedReason = (row: string) => `(select text::jsonb ->> 'reason' from erasable_texts where digest = ${row}text_digest)`;

/** The properties of entities that are read from other tables. */
const computed = new Map<new () => object, Readonly<Record<string, (row: string) => string>>>([
  [
    Transaction,
    {
      reason: (row) => `(case when ${row}text_digest is not null then ${auditedReason(row)}
        when ${row}dispute_id is not null then (select disputes.reason from disputes where disputes.id = ${row}dispute_id) end)`,
    },
  ],
  [
    Grant,
    {
      reason: (row) => `(case when ${row}text_digest is not null then ${auditedReason(row)}
        when ${row}status = 'REVOKED' then 'A dispute about the payment was lost.' end)`,
    },
  ],
]);

/** The SQL of each property of an entity. `row`: the alias of its table or row in the statement. */
export function propertiesOf(entity: new () => object, row?: string): ReadonlyMap<string, string> {
  const prefix = row ? `${row}.` : '';
  const columns = [...columnNames(entity)].map(([name, column]) => [name, prefix + column] as const);
  const others = Object.entries(computed.get(entity) ?? {}).map(([name, sql]) => [name, sql(prefix)] as const);
  return new Map([...columns, ...others]);
}

/** Selects an entity's columns, named after its properties. `row`: the alias of its table in the statement. */
export function columnsOf(
  entity: new () => object,
  { row, except = [] }: { readonly row?: string; readonly except?: readonly string[] } = {},
): string {
  const properties = [...propertiesOf(entity, row)].filter(([name]) => !except.includes(name));
  return properties.map(([name, sql]) => `${sql} as "${name}"`).join(', ');
}

export const grantColumns = columnsOf(Grant);
export const orderColumns = columnsOf(Order);
export const transactionColumns = columnsOf(Transaction);
export const refundColumns = columnsOf(Refund);
export const balanceColumns = columnsOf(Balance);
export const disputeColumns = columnsOf(Dispute);
export const stripeEventColumns = columnsOf(StripeEvent);
export const jobStateColumns = columnsOf(JobState);
export const reconciliationColumns = columnsOf(Reconciliation);
export const findingColumns = columnsOf(ReconciliationFinding);
export const ledgerRootColumns = columnsOf(LedgerRoot);
