import { PrimaryKeyProp } from '@mikro-orm/core';
import { Entity, Index, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { minorUnits } from './column-types.js';

/** The posted balance at a version, from which balanceAt and the ledger verification continue. */
@Entity({ tableName: 'balance_snapshots' })
@Index({ name: 'balance_snapshots_by_time', properties: ['userId', 'countedUntil'] })
export class BalanceSnapshot {
  [PrimaryKeyProp]?: ['userId', 'version'];

  @PrimaryKey({ type: 'uuid' })
  userId!: string;

  /** Includes all transactions up to this version. */
  @PrimaryKey({ type: 'int' })
  version!: number;

  @Property({ type: minorUnits() })
  posted!: number;

  /** How many transactions it includes. */
  @Property({ type: 'int' })
  transactionCount!: number;

  /** The instant of the last included transaction. */
  @Property({ type: 'timestamptz', length: 3 })
  countedUntil!: Date;

  @Property({ type: 'timestamptz', length: 3 })
  createdAt!: Date;
}
