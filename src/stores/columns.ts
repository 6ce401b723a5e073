import { type EntityMetadata, MetadataStorage, UnderscoreNamingStrategy } from '@mikro-orm/core';
import { Balance } from '../entities/balance.js';
import { Grant } from '../entities/grant.js';
import { Order } from '../entities/order.js';
import { Refund } from '../entities/refund.js';
import { Transaction } from '../entities/transaction.js';

const names = new UnderscoreNamingStrategy();

/** Selects an entity's columns under the names of its properties, as MikroORM's decorators declare them. */
function columnsOf(entity: new () => object): string {
  const { properties } = (entity as unknown as Record<symbol, EntityMetadata>)[MetadataStorage.META_SYMBOL] as EntityMetadata;
  return Object.keys(properties)
    .map((name) => {
      const column = names.propertyToColumnName(name);
      return column === name ? column : `${column} as "${name}"`;
    })
    .join(', ');
}

export const grantColumns = columnsOf(Grant);
export const orderColumns = columnsOf(Order);
export const transactionColumns = columnsOf(Transaction);
export const refundColumns = columnsOf(Refund);
export const balanceColumns = columnsOf(Balance);
