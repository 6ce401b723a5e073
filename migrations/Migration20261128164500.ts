import { Migration } from '@mikro-orm/migrations';

/** What the verification job knows of each viewer, and a digest of each subscription version, so that a changed one is found. */
export class Migration20261128164500 extends Migration {
  override up(): void {
    for (const statement of [...verification, ...digests]) this.addSql(statement);
  }
}

const verification = [
  `create table "viewer_verifications" ("user_id" uuid not null, "verified_at" timestamptz(3) not null, "journal_sequence" int not null, "journal_hash" bytea null, "transactions" int not null, "discrepancies" jsonb null, primary key ("user_id"));`,
  `create index "viewer_verifications_by_time" on "viewer_verifications" ("verified_at");`,
  `create index "viewer_verifications_open" on "viewer_verifications" ("user_id") where discrepancies is not null;`,
  `create table "verification_state" ("id" int not null default 1, "after" uuid null, "viewers" int not null default 0, "verified" int not null default 0, "transactions" bigint not null default '0', "oldest_verified_at" timestamptz(3) null, "discrepancies" jsonb null, primary key ("id"));`,
  `alter table "verification_state" add constraint "verification_state_is_one_row" check (id = 1);`,
  'insert into verification_state default values',
];

/** Also in src/services/verification/verify-catalogue.ts. */
const DIGEST = `sha256(record_send(row(v.id, v.subscription_id, v.version, v.price_per_day, v.duration_days, v.price, v.currency,
     v.film_count, v.created_at)) || coalesce((
       select string_agg(uuid_send(film_id), '' order by film_id) from subscription_version_films where version_id = v.id
     ), ''))`;

const digests = [
  `create table "subscription_version_digests" ("version_id" uuid not null, "digest" bytea not null, primary key ("version_id"));`,
  `alter table "subscription_version_digests" add constraint "subscription_version_digests_version_id_foreign" foreign key ("version_id") references "subscription_versions" ("id") on update no action on delete no action;`,
  `create function seal_version() returns trigger language plpgsql as $$
   begin
     insert into subscription_version_digests (version_id, digest)
       select v.id, ${DIGEST} from subscription_versions v where v.id in (select version_id from added);
     return null;
   end $$`,
  // After version_films_are_complete: triggers run in the order of their names.
  `create trigger version_films_are_sealed after insert on subscription_version_films
   referencing new table as added for each statement execute function seal_version()`,
  `insert into subscription_version_digests (version_id, digest) select v.id, ${DIGEST} from subscription_versions v`,
  `create trigger subscription_version_digests_are_immutable before update or delete on subscription_version_digests
   for each row execute function history_is_immutable()`,
  `create trigger subscription_version_digests_are_never_truncated before truncate on subscription_version_digests
   for each statement execute function history_is_immutable()`,
];
