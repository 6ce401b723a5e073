import { Migration } from '@mikro-orm/migrations';

/** All tables, and the rules that the database enforces. */
export class Migration20261123100000 extends Migration {
  override up(): void {
    for (const statement of [...tables, ...rules]) this.addSql(statement);
  }
}

const tables = [
  `create table "balances" ("user_id" uuid not null, "currency" text not null, "posted" bigint not null default '0', "held" bigint not null default '0', "version" int not null default 0, "event_sequence" int not null default 0, "created_at" timestamptz(3) not null, "updated_at" timestamptz(3) not null, primary key ("user_id"));`,
  `alter table "balances" add constraint "balances_currency" check (currency ~ '^[A-Z]{3}$');`,
  `alter table "balances" add constraint "balances_exact" check (abs(posted) <= 9007199254740991 and held <= 9007199254740991);`,
  `alter table "balances" add constraint "balances_held" check (held >= 0);`,
  `create table "balance_snapshots" ("user_id" uuid not null, "version" int not null, "posted" bigint not null, "transaction_count" int not null, "counted_until" timestamptz(3) not null, "created_at" timestamptz(3) not null, primary key ("user_id", "version"));`,
  `create index "balance_snapshots_by_time" on "balance_snapshots" ("user_id", "counted_until");`,
  `create table "films" ("id" uuid not null, "title" text not null, "description" text null, "created_at" timestamptz(3) not null, "updated_at" timestamptz(3) not null, primary key ("id"));`,
  `create index "films_by_title" on "films" ("title", "id");`,
  `alter table "films" add constraint "films_title_length" check (length(title) >= 1 and length(title) <= 300);`,
  `create table "idempotency_records" ("caller_id" uuid not null, "key" text not null, "operation" text not null, "input_hash" text not null, "result" jsonb not null, "created_at" timestamptz(3) not null, primary key ("caller_id", "key"));`,
  `create index "idempotency_records_by_time" on "idempotency_records" using brin ("created_at");`,
  `create table "job_states" ("name" text not null, "last_run_at" timestamptz(3) null, "last_duration_ms" int null, "last_result" text null, "last_error" text null, "fail_count" int not null default 0, primary key ("name"));`,
  `create table "live_events" ("user_id" uuid not null, "sequence" int not null, "version" int null, "posted" bigint null, "held" bigint null, "transaction_id" uuid null, "grant_id" uuid null, "created_at" timestamptz(3) not null, primary key ("user_id", "sequence"));`,
  `create index "live_events_by_time" on "live_events" using brin ("created_at");`,
  `create table "reconciliations" ("id" uuid not null, "started_at" timestamptz(3) not null, "finished_at" timestamptz(3) null, "compared_until" timestamptz(3) null, "objects_checked" int not null default 0, "events_replayed" int not null default 0, "findings_count" int not null default 0, primary key ("id"));`,
  `create index "reconciliations_by_time" on "reconciliations" ("started_at", "id");`,
  `create table "reconciliation_findings" ("id" uuid not null, "reconciliation_id" uuid not null, "kind" text not null, "stripe_id" text null, "order_id" uuid null, "user_id" uuid null, "detail" text not null, "repaired" boolean not null, primary key ("id"));`,
  `create index "reconciliation_findings_by_run" on "reconciliation_findings" ("reconciliation_id");`,
  `alter table "reconciliation_findings" add constraint "reconciliation_findings_kind_check" check ("kind" in ('PAID_WITHOUT_GRANT', 'GRANT_WITHOUT_PAYMENT', 'AMOUNT_DIFFERS', 'REFUND_DIFFERS', 'DISPUTE_DIFFERS', 'PRICE_DIFFERS'));`,
  `create table "stripe_customers" ("user_id" uuid not null, "stripe_customer_id" text not null, "created_at" timestamptz(3) not null, primary key ("user_id"));`,
  `alter table "stripe_customers" add constraint "stripe_customers_stripe_customer_id_unique" unique ("stripe_customer_id");`,
  `create table "stripe_events" ("id" uuid not null, "stripe_id" text not null, "type" text not null, "status" text not null, "payload" jsonb not null, "attempts" int not null default 0, "last_error" text null, "received_at" timestamptz(3) not null, "processed_at" timestamptz(3) null, "next_attempt_at" timestamptz(3) null, "waits_for_payment_intent_id" text null, primary key ("id"));`,
  `alter table "stripe_events" add constraint "stripe_events_stripe_id_unique" unique ("stripe_id");`,
  `create index "stripe_events_waiting_for_payment" on "stripe_events" ("waits_for_payment_intent_id") where waits_for_payment_intent_id is not null;`,
  `create index "stripe_events_due" on "stripe_events" ("next_attempt_at") where status = 'RECEIVED';`,
  `create index "stripe_events_by_time" on "stripe_events" ("received_at", "id");`,
  `alter table "stripe_events" add constraint "stripe_events_status_check" check ("status" in ('RECEIVED', 'PROCESSED', 'IGNORED', 'FAILED'));`,
  `create table "subscriptions" ("id" uuid not null, "title" text not null, "description" text not null, "status" text not null, "current_version_id" uuid null, "created_at" timestamptz(3) not null, "updated_at" timestamptz(3) not null, "stripe_product_id" text null, "stripe_sync_status" text not null default 'NOT_NEEDED', "stripe_synced_at" timestamptz(3) null, "stripe_sync_due_at" timestamptz(3) null, "stripe_sync_attempts" int not null default 0, "stripe_sync_error" text null, primary key ("id"));`,
  `alter table "subscriptions" add constraint "subscriptions_stripe_product_id_unique" unique ("stripe_product_id");`,
  `create index "subscriptions_by_status" on "subscriptions" ("status", "id");`,
  `create index "subscriptions_to_synchronise" on "subscriptions" ("stripe_sync_due_at") where stripe_sync_status = 'PENDING';`,
  `alter table "subscriptions" add constraint "subscriptions_title_length" check (length(title) >= 1 and length(title) <= 200);`,
  `alter table "subscriptions" add constraint "subscriptions_status_check" check ("status" in ('DRAFT', 'ACTIVE', 'ARCHIVED'));`,
  `alter table "subscriptions" add constraint "subscriptions_stripe_sync_status_check" check ("stripe_sync_status" in ('NOT_NEEDED', 'PENDING', 'SYNCED'));`,
  `create table "subscription_versions" ("id" uuid not null, "subscription_id" uuid not null, "version" int not null, "price_per_day" bigint not null, "duration_days" int not null, "price" bigint not null, "currency" text not null, "film_count" int not null, "created_at" timestamptz(3) not null, "stripe_price_id" text null, primary key ("id"));`,
  `alter table "subscription_versions" add constraint "subscription_versions_stripe_price_id_unique" unique ("stripe_price_id");`,
  `alter table "subscription_versions" add constraint "subscription_versions_number" unique ("subscription_id", "version");`,
  `alter table "subscription_versions" add constraint "subscription_versions_film_count" check (film_count >= 1 and film_count <= 10000);`,
  `alter table "subscription_versions" add constraint "subscription_versions_price_exact" check (price <= 9007199254740991);`,
  `alter table "subscription_versions" add constraint "subscription_versions_duration" check (duration_days >= 1 and duration_days <= 3660);`,
  `alter table "subscription_versions" add constraint "subscription_versions_price" check (price_per_day >= 0 and price = price_per_day * duration_days);`,
  `create table "orders" ("id" uuid not null, "user_id" uuid not null, "kind" text not null, "status" text not null, "amount" bigint not null, "currency" text not null, "version_id" uuid null, "created_at" timestamptz(3) not null, "expires_at" timestamptz(3) not null, "paid_at" timestamptz(3) null, "closed_at" timestamptz(3) null, "return_url" text not null, "stripe_session_id" text null, "checkout_url" text null, "awaiting_payment" boolean not null default false, "stripe_payment_intent_id" text null, "captured_amount" bigint null, "failure_reason" text null, primary key ("id"));`,
  `alter table "orders" add constraint "orders_stripe_session_id_unique" unique ("stripe_session_id");`,
  `alter table "orders" add constraint "orders_stripe_payment_intent_id_unique" unique ("stripe_payment_intent_id");`,
  `create index "orders_open_by_expiry" on "orders" ("expires_at") where status = 'OPEN';`,
  `create unique index "orders_one_open_top_up" on "orders" ("user_id", "amount") where status = 'OPEN' and kind = 'TOP_UP';`,
  `create unique index "orders_one_open_purchase" on "orders" ("user_id", "version_id") where status = 'OPEN' and kind = 'PURCHASE';`,
  `create index "orders_by_user" on "orders" ("user_id", "created_at", "id");`,
  `alter table "orders" add constraint "orders_payment" check (captured_amount is null or captured_amount = 0 or stripe_payment_intent_id is not null);`,
  `alter table "orders" add constraint "orders_paid" check ((status = 'PAID') = (captured_amount is not null) and (status = 'PAID') = (paid_at is not null));`,
  `alter table "orders" add constraint "orders_purchase_has_a_version" check ((kind = 'PURCHASE') = (version_id is not null));`,
  `alter table "orders" add constraint "orders_amount" check (amount >= 0 and amount <= 9007199254740991);`,
  `alter table "orders" add constraint "orders_kind_check" check ("kind" in ('PURCHASE', 'TOP_UP'));`,
  `alter table "orders" add constraint "orders_status_check" check ("status" in ('OPEN', 'PAID', 'EXPIRED', 'FAILED'));`,
  `create table "disputes" ("id" uuid not null, "user_id" uuid not null, "order_id" uuid not null, "stripe_dispute_id" text not null, "amount" bigint not null, "currency" text not null, "outcome" text not null, "funds" text not null, "reason" text not null, "created_at" timestamptz(3) not null, "updated_at" timestamptz(3) not null, primary key ("id"));`,
  `alter table "disputes" add constraint "disputes_stripe_dispute_id_unique" unique ("stripe_dispute_id");`,
  `create index "disputes_by_order" on "disputes" ("order_id");`,
  `alter table "disputes" add constraint "disputes_amount" check (amount > 0);`,
  `alter table "disputes" add constraint "disputes_outcome_check" check ("outcome" in ('OPEN', 'WON', 'LOST'));`,
  `alter table "disputes" add constraint "disputes_funds_check" check ("funds" in ('UNTOUCHED', 'WITHDRAWN', 'REINSTATED'));`,
  `create table "subscription_version_films" ("version_id" uuid not null, "film_id" uuid not null, primary key ("version_id", "film_id"));`,
  `create index "subscription_version_films_by_film" on "subscription_version_films" ("film_id");`,
  `create table "transactions" ("id" uuid not null, "user_id" uuid not null, "kind" text not null, "amount" bigint not null, "currency" text not null, "balance_after" bigint not null, "version" int not null, "counter_account" text not null, "created_at" timestamptz(3) not null, "order_id" uuid null, "grant_id" uuid null, "refund_id" uuid null, "dispute_id" uuid null, "stripe_payment_intent_id" text null, "reason" text null, "actor_id" uuid null, primary key ("id"));`,
  `create index "transactions_by_dispute" on "transactions" ("dispute_id") where dispute_id is not null;`,
  `create index "transactions_by_refund" on "transactions" ("refund_id") where refund_id is not null;`,
  `create index "transactions_by_order" on "transactions" ("order_id") where order_id is not null;`,
  `create index "transactions_giving_back_by_grant" on "transactions" ("grant_id") where grant_id is not null and kind <> 'SPENDING';`,
  `create unique index "transactions_one_spending_per_grant" on "transactions" ("grant_id") where kind = 'SPENDING';`,
  `create unique index "transactions_one_top_up_per_payment" on "transactions" ("stripe_payment_intent_id") where stripe_payment_intent_id is not null;`,
  `alter table "transactions" add constraint "transactions_version" unique ("user_id", "version");`,
  `alter table "transactions" add constraint "transactions_payment_only_on_top_up" check (kind = 'TOP_UP' or stripe_payment_intent_id is null);`,
  `alter table "transactions" add constraint "transactions_dispute" check (kind <> 'DISPUTE' or (amount <> 0 and counter_account in ('STRIPE', 'REVENUE') and dispute_id is not null));`,
  `alter table "transactions" add constraint "transactions_adjustment" check (kind <> 'ADJUSTMENT' or (amount <> 0 and counter_account = 'ADJUSTMENT' and reason is not null and actor_id is not null));`,
  `alter table "transactions" add constraint "transactions_refund" check (kind <> 'REFUND' or (amount <> 0 and counter_account in ('REVENUE', 'STRIPE') and refund_id is not null));`,
  `alter table "transactions" add constraint "transactions_spending" check (kind <> 'SPENDING' or (amount <= 0 and counter_account = 'REVENUE' and grant_id is not null));`,
  `alter table "transactions" add constraint "transactions_top_up" check (kind <> 'TOP_UP' or (amount > 0 and counter_account = 'STRIPE' and order_id is not null and stripe_payment_intent_id is not null));`,
  `alter table "transactions" add constraint "transactions_exact" check (abs(amount) <= 9007199254740991 and abs(balance_after) <= 9007199254740991);`,
  `alter table "transactions" add constraint "transactions_version_positive" check (version > 0);`,
  `alter table "transactions" add constraint "transactions_kind_check" check ("kind" in ('TOP_UP', 'SPENDING', 'REFUND', 'ADJUSTMENT', 'DISPUTE'));`,
  `alter table "transactions" add constraint "transactions_counter_account_check" check ("counter_account" in ('STRIPE', 'REVENUE', 'ADJUSTMENT'));`,
  `create table "grants" ("id" uuid not null, "user_id" uuid not null, "version_id" uuid not null, "status" text not null, "paid_with" text not null, "price_per_day" bigint not null, "duration_days" int not null, "currency" text not null, "granted_at" timestamptz(3) not null, "available_until" timestamptz(3) not null, "ended_at" timestamptz(3) null, "order_id" uuid null, "spending_id" uuid null, "reason" text null, "actor_id" uuid null, primary key ("id"));`,
  `create unique index "grants_one_per_order" on "grants" ("order_id") where order_id is not null;`,
  `create index "grants_to_expire" on "grants" ("available_until") where status = 'ACTIVE';`,
  `create index "grants_by_user" on "grants" ("user_id", "granted_at", "id");`,
  `alter table "grants" add constraint "grants_by_card_have_an_order" check ((paid_with = 'CARD') = (order_id is not null));`,
  `alter table "grants" add constraint "grants_paid_or_given" check ((paid_with = 'GIFT') = (spending_id is null) and (paid_with <> 'GIFT' or (reason is not null and actor_id is not null)));`,
  `alter table "grants" add constraint "grants_price" check (price_per_day >= 0 and duration_days >= 1 and duration_days <= 3660);`,
  `alter table "grants" add constraint "grants_time" check (available_until > granted_at);`,
  `alter table "grants" add constraint "grants_status_check" check ("status" in ('ACTIVE', 'EXPIRED', 'REFUNDED', 'REVOKED', 'SUSPENDED'));`,
  `alter table "grants" add constraint "grants_paid_with_check" check ("paid_with" in ('CARD', 'BALANCE', 'GIFT'));`,
  `create table "refunds" ("id" uuid not null, "user_id" uuid not null, "origin" text not null, "destination" text not null, "status" text not null, "amount" bigint not null, "currency" text not null, "unused_days" int null, "grant_id" uuid null, "transaction_id" uuid null, "order_id" uuid null, "stripe_refund_id" text null, "failure_reason" text null, "requested_by" uuid null, "created_at" timestamptz(3) not null, "completed_at" timestamptz(3) null, "attempts" int not null default 0, "next_attempt_at" timestamptz(3) null, "last_error" text null, primary key ("id"));`,
  `alter table "refunds" add constraint "refunds_stripe_refund_id_unique" unique ("stripe_refund_id");`,
  `create index "refunds_under_way" on "refunds" ("next_attempt_at") where status = 'PENDING';`,
  `create index "refunds_by_order" on "refunds" ("order_id") where order_id is not null;`,
  `create index "refunds_by_grant" on "refunds" ("grant_id") where grant_id is not null;`,
  `create unique index "refunds_one_request_per_grant" on "refunds" ("grant_id") where grant_id is not null and origin = 'REQUEST';`,
  `create index "refunds_by_user" on "refunds" ("user_id", "created_at", "id");`,
  `alter table "refunds" add constraint "refunds_to_balance_are_done_at_once" check (destination = 'CARD' or status = 'SUCCEEDED');`,
  `alter table "refunds" add constraint "refunds_to_card_have_a_payment" check ((destination = 'CARD') = (order_id is not null));`,
  `alter table "refunds" add constraint "refunds_amount" check (amount > 0 and amount <= 9007199254740991);`,
  `alter table "refunds" add constraint "refunds_origin_check" check ("origin" in ('REQUEST', 'STRIPE'));`,
  `alter table "refunds" add constraint "refunds_destination_check" check ("destination" in ('CARD', 'BALANCE'));`,
  `alter table "refunds" add constraint "refunds_status_check" check ("status" in ('PENDING', 'SUCCEEDED', 'FAILED'));`,
  `create table "holds" ("id" uuid not null, "user_id" uuid not null, "refund_id" uuid not null, "amount" bigint not null, "status" text not null, "created_at" timestamptz(3) not null, "expires_at" timestamptz(3) not null, "resolved_at" timestamptz(3) null, primary key ("id"));`,
  `alter table "holds" add constraint "holds_refund_id_unique" unique ("refund_id");`,
  `create index "holds_by_expiry" on "holds" ("expires_at") where status = 'PENDING';`,
  `create index "holds_by_user" on "holds" ("user_id");`,
  `alter table "holds" add constraint "holds_resolved" check ((status = 'PENDING') = (resolved_at is null));`,
  `alter table "holds" add constraint "holds_amount" check (amount > 0);`,
  `alter table "holds" add constraint "holds_status_check" check ("status" in ('PENDING', 'CAPTURED', 'RELEASED'));`,
  `alter table "reconciliation_findings" add constraint "reconciliation_findings_reconciliation_id_foreign" foreign key ("reconciliation_id") references "reconciliations" ("id") on update no action on delete cascade;`,
  `alter table "subscriptions" add constraint "subscriptions_current_version_id_foreign" foreign key ("current_version_id") references "subscription_versions" ("id") on update no action on delete no action;`,
  `alter table "subscription_versions" add constraint "subscription_versions_subscription_id_foreign" foreign key ("subscription_id") references "subscriptions" ("id") on update no action on delete no action;`,
  `alter table "orders" add constraint "orders_version_id_foreign" foreign key ("version_id") references "subscription_versions" ("id") on update no action on delete no action;`,
  `alter table "disputes" add constraint "disputes_order_id_foreign" foreign key ("order_id") references "orders" ("id") on update no action on delete no action;`,
  `alter table "subscription_version_films" add constraint "subscription_version_films_version_id_foreign" foreign key ("version_id") references "subscription_versions" ("id") on update no action on delete no action;`,
  `alter table "subscription_version_films" add constraint "subscription_version_films_film_id_foreign" foreign key ("film_id") references "films" ("id") on update no action on delete no action;`,
  `alter table "transactions" add constraint "transactions_user_id_foreign" foreign key ("user_id") references "balances" ("user_id") on update no action on delete no action;`,
  `alter table "transactions" add constraint "transactions_order_id_foreign" foreign key ("order_id") references "orders" ("id") on update no action on delete no action;`,
  `alter table "transactions" add constraint "transactions_grant_id_foreign" foreign key ("grant_id") references "grants" ("id") on update no action on delete no action;`,
  `alter table "transactions" add constraint "transactions_refund_id_foreign" foreign key ("refund_id") references "refunds" ("id") on update no action on delete no action;`,
  `alter table "transactions" add constraint "transactions_dispute_id_foreign" foreign key ("dispute_id") references "disputes" ("id") on update no action on delete no action;`,
  `alter table "grants" add constraint "grants_version_id_foreign" foreign key ("version_id") references "subscription_versions" ("id") on update no action on delete no action;`,
  `alter table "grants" add constraint "grants_order_id_foreign" foreign key ("order_id") references "orders" ("id") on update no action on delete no action;`,
  `alter table "grants" add constraint "grants_spending_id_foreign" foreign key ("spending_id") references "transactions" ("id") on update no action on delete no action;`,
  `alter table "refunds" add constraint "refunds_grant_id_foreign" foreign key ("grant_id") references "grants" ("id") on update no action on delete no action;`,
  `alter table "refunds" add constraint "refunds_transaction_id_foreign" foreign key ("transaction_id") references "transactions" ("id") on update no action on delete no action;`,
  `alter table "refunds" add constraint "refunds_order_id_foreign" foreign key ("order_id") references "orders" ("id") on update no action on delete no action;`,
  `alter table "holds" add constraint "holds_user_id_foreign" foreign key ("user_id") references "balances" ("user_id") on update no action on delete no action;`,
  `alter table "holds" add constraint "holds_refund_id_foreign" foreign key ("refund_id") references "refunds" ("id") on update no action on delete no action;`,
];

/** Each rule is a trigger that raises check_violation and names itself as the constraint. */
const refuse = (rule: string, message: string) =>
  `raise exception '${message}' using errcode = 'check_violation', constraint = '${rule}';`;

const rules = [
  // A movement, once written, is history.
  `create function transactions_are_immutable() returns trigger language plpgsql as $$
   begin ${refuse('transactions_are_immutable', 'a transaction is never updated or deleted')} end $$`,
  `create trigger transactions_are_immutable before update or delete on transactions
   for each row execute function transactions_are_immutable()`,

  // available may only fall below zero by a dispute or by a refund made at Stripe, and then the movement says so.
  // Checked at the end of the statement, when the movement that made the new version is there to be seen.
  `create function balances_never_overdrawn() returns trigger language plpgsql as $$
   begin
     if not exists (
       select from transactions t left join refunds r on r.id = t.refund_id
       where t.user_id = new.user_id and t.version = new.version
         and (t.kind = 'DISPUTE' or (t.kind = 'REFUND' and r.origin = 'STRIPE'))
     ) then
       ${refuse('balances_never_overdrawn', 'the balance does not cover it')}
     end if;
     return null;
   end $$`,
  `create constraint trigger balances_never_overdrawn after update on balances for each row
   when (new.posted - new.held < 0 and new.posted - new.held < old.posted - old.held)
   execute function balances_never_overdrawn()`,
  `create constraint trigger balances_begin_covered after insert on balances for each row
   when (new.posted - new.held < 0) execute function balances_never_overdrawn()`,

  `create function holds_resolve_once() returns trigger language plpgsql as $$
   begin
     if tg_op = 'DELETE' then ${refuse('holds_resolve_once', 'a hold is never deleted')} end if;
     if old.status <> 'PENDING' then ${refuse('holds_resolve_once', 'a hold is resolved once')} end if;
     if (new.id, new.user_id, new.refund_id, new.amount) is distinct from (old.id, old.user_id, old.refund_id, old.amount)
     then ${refuse('holds_resolve_once', 'a hold keeps its amount')} end if;
     return new;
   end $$`,
  `create trigger holds_resolve_once before update or delete on holds for each row execute function holds_resolve_once()`,

  `create function refunds_move_forward() returns trigger language plpgsql as $$
   begin
     if tg_op = 'DELETE' then ${refuse('refunds_move_forward', 'a refund is never deleted')} end if;
     if (new.id, new.user_id, new.order_id, new.grant_id, new.amount, new.destination)
       is distinct from (old.id, old.user_id, old.order_id, old.grant_id, old.amount, old.destination)
     then ${refuse('refunds_move_forward', 'a refund keeps its amount and destination')} end if;
     if new.status <> old.status and (old.status = 'FAILED' or new.status = 'PENDING')
     then ${refuse('refunds_move_forward', 'a refund goes from PENDING to SUCCEEDED to FAILED, never back')} end if;
     return new;
   end $$`,
  `create trigger refunds_move_forward before update or delete on refunds for each row execute function refunds_move_forward()`,

  // The order's row lock makes two refunds of one payment wait for each other here.
  `create function refunds_within_capture() returns trigger language plpgsql as $$
   declare captured bigint;
   begin
     select captured_amount into captured from orders where id = new.order_id for no key update;
     if (select sum(amount) from refunds where order_id = new.order_id and status <> 'FAILED') > coalesce(captured, 0)
     then ${refuse('refunds_within_capture', 'refunds exceed what the payment captured')} end if;
     return null;
   end $$`,
  `create constraint trigger refunds_within_capture after insert or update of status on refunds for each row
   when (new.order_id is not null and new.status <> 'FAILED') execute function refunds_within_capture()`,

  `create function orders_paid_is_final() returns trigger language plpgsql as $$
   begin
     if tg_op = 'DELETE' then ${refuse('orders_paid_is_final', 'an order is never deleted')} end if;
     if old.status = 'PAID' and (new.status, new.captured_amount, new.stripe_payment_intent_id, new.paid_at)
       is distinct from (old.status, old.captured_amount, old.stripe_payment_intent_id, old.paid_at)
     then ${refuse('orders_paid_is_final', 'a paid order stays paid')} end if;
     if (new.user_id, new.kind, new.amount, new.currency, new.version_id)
       is distinct from (old.user_id, old.kind, old.amount, old.currency, old.version_id)
     then ${refuse('orders_paid_is_final', 'an order keeps what it is for')} end if;
     return new;
   end $$`,
  `create trigger orders_paid_is_final before update or delete on orders for each row execute function orders_paid_is_final()`,

  `create function grants_keep_their_terms() returns trigger language plpgsql as $$
   begin
     if tg_op = 'DELETE' then ${refuse('grants_keep_their_terms', 'a grant is never deleted')} end if;
     if old.status in ('REFUNDED', 'REVOKED') and new.status <> old.status
     then ${refuse('grants_keep_their_terms', 'a refunded or revoked grant stays so')} end if;
     if (new.user_id, new.version_id, new.paid_with, new.price_per_day, new.granted_at, new.order_id, new.spending_id)
       is distinct from (old.user_id, old.version_id, old.paid_with, old.price_per_day, old.granted_at, old.order_id, old.spending_id)
     then ${refuse('grants_keep_their_terms', 'a grant keeps what it was sold as')} end if;
     return new;
   end $$`,
  `create trigger grants_keep_their_terms before update or delete on grants for each row execute function grants_keep_their_terms()`,

  `create function versions_are_immutable() returns trigger language plpgsql as $$
   begin
     if tg_op = 'DELETE' or (to_jsonb(new) - 'stripe_price_id') is distinct from (to_jsonb(old) - 'stripe_price_id')
     then ${refuse('versions_are_immutable', 'a subscription version never changes')} end if;
     return new;
   end $$`,
  `create trigger versions_are_immutable before update or delete on subscription_versions
   for each row execute function versions_are_immutable()`,

  `create function version_films_are_immutable() returns trigger language plpgsql as $$
   begin ${refuse('version_films_are_immutable', 'the films of a subscription version never change')} end $$`,
  `create trigger version_films_are_immutable before update or delete on subscription_version_films
   for each row execute function version_films_are_immutable()`,

  // The films of a version come in one statement: whatever is added later makes the count wrong.
  `create function version_films_are_complete() returns trigger language plpgsql as $$
   begin
     if exists (
       select from subscription_versions v
       where v.id in (select version_id from added)
         and v.film_count <> (select count(*) from subscription_version_films f where f.version_id = v.id)
     ) then ${refuse('version_films_are_immutable', 'the films of a subscription version come at once and never change')} end if;
     return null;
   end $$`,
  `create trigger version_films_are_complete after insert on subscription_version_films
   referencing new table as added for each statement execute function version_films_are_complete()`,
];
