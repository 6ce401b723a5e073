import { Migration } from '@mikro-orm/migrations';

/**
 * What a viewer below zero pays by card buys what it was paid for, and leaves the debt as it is: the SPENDING of an order may
 * follow at once on the TOP_UP of the same order that covers it, which together do not lower the balance.
 */
export class Migration20261125150000 extends Migration {
  override up(): void {
    this.addSql(`create or replace function balances_never_overdrawn() returns trigger language plpgsql as $$
   begin
     if not exists (
       select from transactions t left join refunds r on r.id = t.refund_id
       where t.user_id = new.user_id and t.version = new.version
         and (t.kind = 'DISPUTE' or (t.kind = 'REFUND' and r.origin = 'STRIPE')
           or (t.kind = 'SPENDING' and exists (
             select from transactions p
             where p.user_id = t.user_id and p.version = t.version - 1 and p.kind = 'TOP_UP'
               and p.order_id = t.order_id and p.amount >= - t.amount)))
     ) then
       raise exception 'the balance does not cover it' using errcode = 'check_violation', constraint = 'balances_never_overdrawn';
     end if;
     return null;
   end $$`);
  }
}
