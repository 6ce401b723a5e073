import { Migration } from '@mikro-orm/migrations';

/** Signed Merkle roots over the heads of all journals (docs/proofs.md). They are history: never changed or removed. */
export class Migration20261128161500 extends Migration {
  override up(): void {
    for (const statement of [...tables, ...rules]) this.addSql(statement);
  }
}

const tables = [
  `create table "ledger_roots" ("id" uuid not null, "number" int not null, "form" smallint not null, "root" text not null, "previous_root" text null, "heads_root" text not null, "cut" xid8 not null, "heads" int not null, "signed_at" timestamptz(3) not null, "public_key" text not null, "signature" text not null, primary key ("id"));`,
  `alter table "ledger_roots" add constraint "ledger_roots_number" unique ("number");`,
  `create table "ledger_root_handovers" ("root_id" uuid not null, "handed_out_at" timestamptz(3) not null, primary key ("root_id"));`,
  `alter table "ledger_root_handovers" add constraint "ledger_root_handovers_root_id_foreign" foreign key ("root_id") references "ledger_roots" ("id") on update no action on delete no action;`,
  // Without a foreign key: the heads are stored before their root, in short transactions.
  `create table "ledger_root_heads" ("root_id" uuid not null, "first_user_id" uuid not null, "place" int not null, "heads" bytea not null, "hash" bytea not null, primary key ("root_id", "first_user_id"));`,
];

const rules = [
  `create function ledger_root_follows() returns trigger language plpgsql as $$
   declare
     last record;
   begin
     select number, root into last from ledger_roots order by number desc limit 1;
     if new.number <> coalesce(last.number, 0) + 1 or new.previous_root is distinct from last.root then
       raise exception 'a root follows the last one' using errcode = 'check_violation', constraint = 'ledger_roots_form_a_chain';
     end if;
     return new;
   end $$`,
  `create trigger ledger_root_follows before insert on ledger_roots for each row execute function ledger_root_follows()`,
  ...['ledger_roots', 'ledger_root_handovers'].flatMap((table) => [
    `create trigger ${table}_are_immutable before update or delete on ${table} for each row execute function history_is_immutable()`,
    `create trigger ${table}_are_never_truncated before truncate on ${table}
       for each statement execute function history_is_immutable()`,
  ]),
];
