import { Migration } from '@mikro-orm/migrations';

/** How much the last run of a job found that people must look at, for metrics. */
export class Migration20261125130000 extends Migration {
  override up(): void {
    this.addSql('alter table "job_states" add column "last_findings_count" int null;');
  }
}
