import { Migration } from '@mikro-orm/migrations';

/**
 * What Stripe took for a dispute and returned, as amounts: a part may come back, and a lost dispute may be won later. And a
 * payout that was abandoned here and succeeded at Stripe after all: its refund succeeds, and is debited although it is not covered.
 */
export class Migration20261128082000 extends Migration {
  override up(): void {
    this.addSql(`alter table "disputes" add column "withdrawn" bigint not null default '0', add column "reinstated" bigint not null default '0',
      add column "movements" int not null default 0;`);
    this.addSql(`update disputes set withdrawn = amount, reinstated = case funds when 'REINSTATED' then amount else 0 end
      where funds <> 'UNTOUCHED'`);
    this.addSql(
      `alter table "disputes" add constraint "disputes_moved" check (withdrawn >= 0 and reinstated >= 0 and movements >= 0);`,
    );
    this.addSql(neverOverdrawn);
    this.addSql(moveForward);
  }
}

const neverOverdrawn = `create or replace function balances_never_overdrawn() returns trigger language plpgsql as $$
   begin
     if not exists (
       select from transactions t left join refunds r on r.id = t.refund_id left join holds h on h.refund_id = t.refund_id
       where t.user_id = new.user_id and t.version = new.version
         and (t.kind = 'DISPUTE' or (t.kind = 'REFUND' and (r.origin = 'STRIPE' or (h.status = 'RELEASED' and r.status = 'SUCCEEDED')))
           or (t.kind = 'SPENDING' and exists (
             select from transactions p
             where p.user_id = t.user_id and p.version = t.version - 1 and p.kind = 'TOP_UP'
               and p.order_id = t.order_id and p.amount >= - t.amount)))
     ) then
       raise exception 'the balance does not cover it' using errcode = 'check_violation', constraint = 'balances_never_overdrawn';
     end if;
     return null;
   end $$`;

const moveForward = `create or replace function refunds_move_forward() returns trigger language plpgsql as $$
   begin
     if tg_op = 'DELETE' then
       raise exception 'a refund is never deleted' using errcode = 'check_violation', constraint = 'refunds_move_forward';
     end if;
     if (new.id, new.user_id, new.order_id, new.grant_id, new.amount, new.destination)
       is distinct from (old.id, old.user_id, old.order_id, old.grant_id, old.amount, old.destination)
     then
       raise exception 'a refund keeps its amount and destination' using errcode = 'check_violation', constraint = 'refunds_move_forward';
     end if;
     if new.status <> old.status and (old.status = 'FAILED' or new.status = 'PENDING')
       and not (old.status = 'FAILED' and new.status = 'SUCCEEDED' and old.origin = 'REQUEST'
         and old.stripe_refund_id is null and new.stripe_refund_id is not null)
     then
       raise exception 'a refund goes from PENDING to SUCCEEDED to FAILED; only one that was abandoned may succeed later'
         using errcode = 'check_violation', constraint = 'refunds_move_forward';
     end if;
     return new;
   end $$`;
