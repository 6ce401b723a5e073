import { Migration } from '@mikro-orm/migrations';

/**
 * Orders are PROCESSING while the bank has not responded, and CANCELLED when someone cancelled them; the job's lease leaves
 * `expires_at` to the session; another return URL replaces the session of the same order.
 */
export class Migration20261128091300 extends Migration {
  override up(): void {
    for (const statement of statements) this.addSql(statement);
  }
}

const refuse = (rule: string, message: string) =>
  `raise exception '${message}' using errcode = 'check_violation', constraint = '${rule}';`;

const statements = [
  `alter table "orders" drop constraint "orders_status_check";`,
  `alter table "orders" add constraint "orders_status_check" check ("status" in ('OPEN', 'PROCESSING', 'PAID', 'EXPIRED', 'FAILED', 'CANCELLED'));`,
  `alter table "orders" add column "lease_expires_at" timestamptz(3) null, add column "session_number" int not null default 1, add column "superseded_session_id" text null, add column "cancel_requested_at" timestamptz(3) null;`,
  `alter table "orders" add constraint "orders_superseded_session_id_unique" unique ("superseded_session_id");`,
  `update orders set status = 'PROCESSING' where status = 'OPEN' and awaiting_payment;`,
  // The job used to push expires_at further to keep an order for itself. What the session's expiry was is not known any more, but
  // no session is open longer than a day: https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-expires_at
  `update orders set expires_at = created_at + interval '24 hours' where expires_at > created_at + interval '24 hours';`,
  `alter table "orders" drop column "awaiting_payment";`,
  `drop index "orders_open_by_expiry";`,
  `create index "orders_open_by_expiry" on "orders" ("expires_at") where status in ('OPEN', 'PROCESSING');`,
  `drop index "orders_one_open_purchase";`,
  `create unique index "orders_one_open_purchase" on "orders" ("user_id", "version_id") where status in ('OPEN', 'PROCESSING') and kind = 'PURCHASE';`,

  `create or replace function orders_paid_is_final() returns trigger language plpgsql as $$
   begin
     if tg_op = 'DELETE' then ${refuse('orders_paid_is_final', 'an order is never deleted')} end if;
     if old.status = 'PAID' and (new.status, new.captured_amount, new.stripe_payment_intent_id, new.paid_at)
       is distinct from (old.status, old.captured_amount, old.stripe_payment_intent_id, old.paid_at)
     then ${refuse('orders_paid_is_final', 'a paid order stays paid')} end if;
     if (new.user_id, new.kind, new.amount, new.currency, new.version_id)
       is distinct from (old.user_id, old.kind, old.amount, old.currency, old.version_id)
     then ${refuse('orders_paid_is_final', 'an order keeps what it is for')} end if;
     if new.status <> old.status and not (
       old.status = 'OPEN' or new.status = 'PAID' or (old.status = 'PROCESSING' and new.status = 'FAILED')
     ) then ${refuse('orders_move_forward', 'an order goes from OPEN to PROCESSING to PAID, or is closed')} end if;
     return new;
   end $$`,
];
