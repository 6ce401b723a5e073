import { Migration } from '@mikro-orm/migrations';

/** One row that readiness writes to, to notice a database that takes no writes (stores/database-probe.ts). */
export class Migration20261128084500 extends Migration {
  override up(): void {
    this.addSql('create table write_probe (id boolean primary key default true check (id), probed_at timestamptz(3) not null)');
    this.addSql('insert into write_probe (probed_at) values (now())');
  }
}
