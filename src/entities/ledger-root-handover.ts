import { Entity } from '@mikro-orm/decorators/legacy';
import { Instant, Reference } from './column-types.js';
import { LedgerRoot } from './ledger-root.js';

/** When a root was handed to the operator. From then on it proves what was there before. */
@Entity({ tableName: 'ledger_root_handovers' })
export class LedgerRootHandover {
  @Reference(() => LedgerRoot, { primary: true }) rootId!: string;
  @Instant() handedOutAt!: Date;
}
