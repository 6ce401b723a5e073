import { type EntityMetadata, MetadataStorage, UnderscoreNamingStrategy } from '@mikro-orm/core';
import { Balance } from '../entities/balance.js';
import { Dispute } from '../entities/dispute.js';
import { Grant } from '../entities/grant.js';
import { JobState } from '../entities/job-state.js';
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
  return new Map(Object.keys(properties).map((name) => [name, names.propertyToColumnName(name)]));
}

/** Selects an entity's columns, named after its properties. `row`: the alias of its table in the statement. */
export function columnsOf(
  entity: new () => object,
  { row, except = [] }: { readonly row?: string; readonly except?: readonly string[] } = {},
): string {
  const columns = [...columnNames(entity)].filter(([name]) => !except.includes(name));
  return columns.map(([name, column]) => `${row ? `${row}.` : ''}${column} as "${name}"`).join(', ');
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
