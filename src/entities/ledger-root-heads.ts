import { PrimaryKeyProp } from '@mikro-orm/core';
import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Int } from './column-types.js';

/** Consecutive heads of a root: a subtree of its Merkle tree. Kept for the newest roots, and stored before their root is. */
@Entity({ tableName: 'ledger_root_heads' })
export class LedgerRootHeads {
  [PrimaryKeyProp]?: ['rootId', 'firstUserId'];
  @PrimaryKey({ type: 'uuid' }) rootId!: string;
  @PrimaryKey({ type: 'uuid' }) firstUserId!: string;
  /** From 0, in order of the viewers. */
  @Int() place!: number;
  /** For each viewer, in order: id (16 bytes), sequence (4), hash (32). */
  @Property({ type: 'blob' }) heads!: Buffer;
  /** The subtree's root. */
  @Property({ type: 'blob' }) hash!: Buffer;
}
