import { Migration } from '@mikro-orm/migrations';

/** Past balances are read from the journal, and the verification recomputes everything: neither needs snapshots. */
export class Migration20261128170500 extends Migration {
  override up(): void {
    this.addSql('drop table "balance_snapshots";');
  }
}
