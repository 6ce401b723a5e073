import { Migration } from '@mikro-orm/migrations';

/**
 * The journal: one numbered, hash-chained entry for each change of a viewer, in place of live_events. docs/journal.md describes its
 * canonical form; the trigger here computes it, so it must not change without a new value of `form`.
 */
export class Migration20261128151500 extends Migration {
  override up(): void {
    const steps = {
      'grants and prices': columns,
      'reasons and the audit': texts,
      'the journal': [...journal, ...rules],
      'its first entries': existing,
    };
    Object.entries(steps).forEach(([name, statements], index, { length }) => {
      this.addSql(`do $$ begin raise notice 'Step ${index + 1} of ${length}: ${name}'; end $$`);
      for (const statement of statements) this.addSql(statement);
    });
  }
}

const refuse = (rule: string, message: string) =>
  `raise exception '${message}' using errcode = 'check_violation', constraint = '${rule}';`;

const columns = [
  `alter table "balances" rename column "event_sequence" to "journal_sequence";`,
  `alter table "grants" add column "starts_at" timestamptz(3) null;`,
  'alter table grants disable trigger user',
  'update grants set starts_at = granted_at',
  'alter table grants enable trigger user',
  `alter table "grants" alter column "starts_at" set not null;`,
  `alter table "grants" drop constraint "grants_time";`,
  `alter table "grants" add constraint "grants_time" check (available_until > starts_at);`,
  // A version has a total price; the price per day is derived from it, rounded down.
  `alter table "subscription_versions" drop constraint "subscription_versions_price";`,
  `alter table "subscription_versions" add constraint "subscription_versions_price" check (price >= 0 and price_per_day = price / duration_days);`,
];

/** What people wrote moves to where it can be erased; rows keep its salted digest. Past changes of admins get their audit entries. */
const texts = [
  `create table "erasable_texts" ("user_id" uuid not null, "digest" bytea not null, "salt" bytea null, "text" text null, primary key ("user_id", "digest"));`,
  `create index "erasable_texts_by_digest" on "erasable_texts" ("digest");`,
  `alter table "erasable_texts" add constraint "erasable_texts_erased" check ((text is null) = (salt is null));`,
  `create table "audit_entries" ("id" uuid not null, "at" timestamptz(3) not null, "actor_id" uuid not null, "role" text not null, "action" text not null, "subject_id" uuid null, "viewer_id" uuid null, "request_id" text not null, "text_digest" bytea not null, primary key ("id"));`,
  `create index "audit_entries_by_time" on "audit_entries" ("at", "id");`,
  `create index "audit_entries_by_subject" on "audit_entries" ("subject_id");`,
  `create index "audit_entries_by_viewer" on "audit_entries" ("viewer_id");`,
  `create temp table past_reasons on commit drop as
     select user_id, id, at, actor_id, action, salt, text, sha256(salt || convert_to(text, 'UTF8')) as digest
     from (
       select *, uuid_send(gen_random_uuid()) as salt, jsonb_build_object('reason', reason)::text as text
       from (
         select user_id, id, created_at as at, actor_id, reason, 'adjustBalance' as action from transactions where kind = 'ADJUSTMENT'
         union all
         select user_id, id, coalesce(ended_at, granted_at), actor_id, reason,
           case status when 'REVOKED' then 'revokeGrant' else 'giftGrant' end from grants where actor_id is not null
       ) past
     ) salted`,
  'insert into erasable_texts (user_id, digest, salt, text) select user_id, digest, salt, text from past_reasons',
  `insert into audit_entries (id, at, actor_id, role, action, subject_id, viewer_id, request_id, text_digest)
     select gen_random_uuid(), at, actor_id, 'ADMIN', action, id, user_id, '', digest from past_reasons`,
  ...['transactions', 'grants'].flatMap((table) => [
    `alter table "${table}" add column "text_digest" bytea null;`,
    `alter table ${table} disable trigger user`,
    `update ${table} t set text_digest = p.digest from past_reasons p where p.id = t.id`,
    `alter table ${table} enable trigger user`,
  ]),
  `alter table "transactions" drop constraint "transactions_adjustment";`,
  `alter table "transactions" drop column "reason";`,
  `alter table "transactions" add constraint "transactions_adjustment" check (kind <> 'ADJUSTMENT' or (amount <> 0 and counter_account = 'ADJUSTMENT' and text_digest is not null and actor_id is not null));`,
  `alter table "grants" drop constraint "grants_paid_or_given";`,
  `alter table "grants" drop column "reason";`,
  `alter table "grants" add constraint "grants_paid_or_given" check ((paid_with = 'GIFT') = (spending_id is null) and (paid_with <> 'GIFT' or (text_digest is not null and actor_id is not null)));`,
];

const journal = [
  `create table "journal" ("user_id" uuid not null, "sequence" int not null, "form" smallint not null default 1, "kind" text not null, "subject_id" uuid null, "version" int null, "posted" bigint null, "held" bigint null, "state" jsonb null, "digest" bytea not null, "actor_id" uuid null, "created_at" timestamptz(3) not null, "position" xid8 not null default pg_current_xact_id(), "hash" bytea not null, primary key ("user_id", "sequence"));`,
  `create index "journal_by_position" on "journal" ("position");`,
  `alter table "journal" add constraint "journal_balance" check ((version is null) = (posted is null) and (version is null) = (held is null));`,
  `alter table "journal" add constraint "journal_subject" check ((kind = 'GENESIS') = (subject_id is null));`,
  `alter table "journal" add constraint "journal_kind_check" check ("kind" in ('GENESIS', 'MOVEMENT', 'HOLD', 'GRANT', 'ORDER', 'REFUND', 'DISPUTE'));`,
];

/** An entry as it is hashed: form 1. The order of the fields, and their binary format, must never change. */
const ENTRY = `record_send(row(new.form, new.user_id, new.sequence, new.kind, new.subject_id, new.version, new.posted, new.held,
     new.state, new.digest, new.actor_id, new.created_at))`;

const ms = (column: string) => `(extract(epoch from row.${column}) * 1000)::bigint`;

/** Form 1 of the digests and states, as src/services/ledger/journal.ts has them: this copy is for the rows there are. */
const forms = [
  {
    kind: 'ORDER',
    table: 'orders',
    facts:
      'id user_id kind status amount currency version_id created_at paid_at closed_at stripe_payment_intent_id captured_amount',
    state: `'status', row.status, 'capturedAmount', row.captured_amount`,
  },
  {
    kind: 'GRANT',
    table: 'grants',
    facts: `id user_id version_id status paid_with price_per_day duration_days currency granted_at starts_at available_until ended_at
      order_id spending_id actor_id text_digest`,
    state: `'status', row.status, 'startsAt', ${ms('starts_at')}, 'availableUntil', ${ms('available_until')}, 'endedAt', ${ms('ended_at')}`,
  },
  {
    kind: 'REFUND',
    table: 'refunds',
    facts: `id user_id origin destination status amount currency unused_days grant_id transaction_id order_id stripe_refund_id
      requested_by created_at completed_at`,
    state: `'status', row.status`,
  },
  {
    kind: 'HOLD',
    table: 'holds',
    facts: 'id user_id refund_id amount status created_at expires_at resolved_at',
    state: `'status', row.status, 'amount', row.amount`,
  },
  {
    kind: 'DISPUTE',
    table: 'disputes',
    facts: `id user_id order_id stripe_dispute_id amount currency outcome funds withdrawn reinstated movements reason created_at`,
    state: `'outcome', row.outcome, 'funds', row.funds, 'withdrawn', row.withdrawn, 'reinstated', row.reinstated`,
  },
];
const MOVEMENT = `id user_id kind amount currency balance_after version counter_account created_at order_id grant_id refund_id dispute_id
  stripe_payment_intent_id actor_id text_digest`;

const digest = (facts: string) =>
  `sha256(record_send(row(${facts
    .split(/\s+/)
    .map((column) => `row.${column}`)
    .join(', ')})))`;

const rules = [
  // The database computes what proves an entry: no writer can forget or falsify it.
  `create function journal_seal() returns trigger language plpgsql as $$
   begin
     select sha256(hash || ${ENTRY}) into new.hash from journal where user_id = new.user_id and sequence = new.sequence - 1;
     if new.hash is null then
       if (new.sequence <> 1 and new.kind <> 'GENESIS') or exists (select from journal where user_id = new.user_id)
       then ${refuse('journal_is_gapless', 'an entry follows the last one')} end if;
       new.hash := sha256(decode(repeat('00', 32), 'hex') || ${ENTRY});
     end if;
     return new;
   end $$`,
  `create trigger journal_seal before insert on journal for each row execute function journal_seal()`,

  `create function history_is_immutable() returns trigger language plpgsql as $$
   begin
     raise exception 'rows of % are never changed or removed', tg_table_name using errcode = 'check_violation', constraint = 'history_is_immutable';
   end $$`,
  `create function texts_are_only_erased() returns trigger language plpgsql as $$
   begin
     if tg_op = 'UPDATE' and new.text is null and (new.user_id, new.digest) = (old.user_id, old.digest) then return new; end if;
     ${refuse('texts_are_only_erased', 'a text is erased, never changed')}
   end $$`,
  `create trigger texts_are_only_erased before update or delete on erasable_texts for each row execute function texts_are_only_erased()`,
  `create trigger audit_entries_are_immutable before update or delete on audit_entries for each row execute function history_is_immutable()`,
  `create trigger journal_is_immutable before update or delete on journal for each row execute function history_is_immutable()`,
  ...[
    'journal',
    'audit_entries',
    'erasable_texts',
    'transactions',
    'balances',
    'holds',
    'refunds',
    'orders',
    'disputes',
    'grants',
    'subscription_versions',
    'subscription_version_films',
  ].map(
    (table) => `create trigger ${table}_are_never_truncated before truncate on ${table}
      for each statement execute function history_is_immutable()`,
  ),
];

/** The viewers there are: a genesis entry with what they have, and an entry for each of their rows that may still change. */
const existing = [
  `insert into journal (user_id, sequence, kind, version, posted, held, digest, created_at)
     select b.user_id, b.journal_sequence + 1, 'GENESIS', b.version, b.posted, b.held,
       (select sha256(coalesce(string_agg(${digest(MOVEMENT)}, '' order by row.version), ''))
        from transactions row where row.user_id = b.user_id), b.updated_at
     from balances b`,
  `insert into journal (user_id, sequence, kind, subject_id, state, digest, created_at)
     select b.user_id, b.journal_sequence + 1 + row_number() over (partition by b.user_id order by s.created_at, s.place, s.id),
       s.kind, s.id, s.state, s.digest, b.updated_at
     from balances b join (${forms
       .map(
         ({ kind, table, facts, state }, place) =>
           `select ${place} as place, user_id, '${kind}' as kind, id, jsonb_build_object(${state}) as state,
              ${digest(facts)} as digest, ${kind === 'GRANT' ? 'granted_at' : 'created_at'} as created_at from ${table} row`,
       )
       .join(' union all ')}) s using (user_id)
     order by 1, 2`,
  `update balances b set journal_sequence = last.sequence
     from (select user_id, max(sequence) as sequence from journal group by user_id) last where last.user_id = b.user_id`,
  `drop table live_events`,
];
