import { Migration } from '@mikro-orm/migrations';

/**
 * By how much product time is ahead of the database's clock. Development moves it (`POST /sandbox/clock`), and only forward: rows are
 * dated by it. In production it stays 0.
 */
export class Migration20261128124500 extends Migration {
  override up(): void {
    this.addSql(`create table development_clock (
      id boolean primary key default true check (id),
      offset_ms bigint not null default 0,
      constraint development_clock_within_a_century check (offset_ms between 0 and 3155760000000)
    )`);
    this.addSql('insert into development_clock default values');
    this.addSql(`create function development_clock_moves_forward() returns trigger language plpgsql as $$
      begin
        if tg_op = 'UPDATE' and new.offset_ms >= old.offset_ms then return new; end if;
        raise exception 'the development clock only moves forward'
          using errcode = 'check_violation', constraint = 'development_clock_moves_forward';
      end $$`);
    this.addSql(`create trigger development_clock_moves_forward before update or delete on development_clock
      for each row execute function development_clock_moves_forward()`);
  }
}
