import { PrimaryKeyProp } from '@mikro-orm/core';
import { Entity, Index, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { minorUnits } from './column-types.js';

/** What a balance had posted at a version: from here balanceAt and the ledger's verification go on. */
@Entity({ tableName: 'balance_snapshots' })
@Index({ name: 'balance_snapshots_by_time', properties: ['userId', 'countedUntil'] })
export class BalanceSnapshot {
  [PrimaryKeyProp]?: ['userId', 'version'];

  @PrimaryKey({ type: 'uuid' })
  userId!: string;

  /** It counts all transactions up to and including this version. */
  @PrimaryKey({ type: 'int' })
  version!: number;

  @Property({ type: minorUnits() })
  posted!: number;

  /** How many transactions it counts. */
  @Property({ type: 'int' })
  transactionCount!: number;

  /** The instant of the last transaction that it counts. */
  @Property({ type: 'timestamptz', length: 3 })
  countedUntil!: Date;

  @Property({ type: 'timestamptz', length: 3 })
  createdAt!: Date;
}
