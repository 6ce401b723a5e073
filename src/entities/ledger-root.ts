import { Entity, Property, Unique } from '@mikro-orm/decorators/legacy';
import { Id, Instant, Int, Text } from './column-types.js';

/**
 * A signed Merkle root over the heads of all journals at one cut, which commits to the root before it (docs/proofs.md). Never changed or
 * removed, and each follows the last one (enforced by triggers). Hashes are in hexadecimal.
 */
@Entity({ tableName: 'ledger_roots' })
@Unique({ name: 'ledger_roots_number', properties: ['number'] })
export class LedgerRoot {
  @Id() id!: string;
  /** From 1, without gaps. */
  @Int() number!: number;
  /** The version of the canonical form that `root` was computed from. */
  @Property({ type: 'smallint' }) form!: number;
  @Text() root!: string;
  @Text({ nullable: true }) previousRoot!: string | null;
  /** The Merkle root of the heads alone. */
  @Text() headsRoot!: string;
  /** The heads are the viewers' last entries with a `position` below this. */
  @Property({ columnType: 'xid8', type: 'string' }) cut!: string;
  /** How many heads there are. */
  @Int() heads!: number;
  @Instant() signedAt!: Date;
  /** Ed25519, SubjectPublicKeyInfo in base64. */
  @Text() publicKey!: string;
  /** In base64. */
  @Text() signature!: string;
}
