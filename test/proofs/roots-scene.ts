import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { digestOf, entryForm } from '../../src/services/ledger/journal.js';
import type { RootRun } from '../../src/services/proofs/ledger-roots.js';
import type { Services } from '../../src/services/services.js';
import { Shop } from '../support/shop.js';
import { testServices } from '../support/test-services.js';
import { until } from '../support/until.js';
import type { Root } from './independent.js';

export const aPrivateKey = (): string =>
  generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64');

/** A shop whose roots are signed with a key of its own and handed to a file. */
export class RootsScene {
  private readonly opened: Services[] = [];

  private constructor(
    readonly shop: Shop,
    private readonly home: string,
    private readonly key: string,
  ) {}

  static async open(): Promise<RootsScene> {
    return new RootsScene(await Shop.open(), mkdtempSync(path.join(os.tmpdir(), 'boxoffice-roots-')), aPrivateKey());
  }

  async close(): Promise<void> {
    for (const services of this.opened) await services.close();
    await this.shop.close();
    rmSync(this.home, { recursive: true, force: true });
  }

  get file(): string {
    return path.join(this.home, 'roots.jsonl');
  }

  /** The services of a worker. */
  services(environment: Record<string, string> = { LEDGER_ROOT_FILE: this.file }): Services {
    const { db, clock } = this.shop;
    const services = testServices({
      database: db.database,
      clock,
      environment: { CURRENCY: 'USD', LEDGER_ROOT_PRIVATE_KEY: this.key, ...environment },
    });
    this.opened.push(services);
    return services;
  }

  /** Waits until a root covers every entry: it covers none while an older transaction of the cluster is open, also of other tests. */
  async settled(): Promise<void> {
    const isSettled = 'select coalesce(max(position) < pg_snapshot_xmin(pg_current_snapshot()), true) as settled from journal';
    const settled = async () => (await this.shop.db.rows<{ settled: boolean }>(isSettled))[0]?.settled === true;
    await until(settled, 'every entry is behind the cut');
  }

  sign(services = this.services()): Promise<RootRun | null> {
    return services.ledgerRoots.run(new AbortController().signal);
  }

  /** A night later. */
  signNext(services = this.services()): Promise<RootRun | null> {
    this.shop.clock.advanceDays(1);
    return this.sign(services);
  }

  /** The lines that the operator has. */
  handedOut(): (Root & { readonly id: string; readonly headsRoot: string })[] {
    if (!existsSync(this.file)) return [];
    return readFileSync(this.file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
  }

  handedOutText(): string {
    return readFileSync(this.file, 'utf8');
  }

  /** As the owner of the database can: what the viewer paid in becomes another amount, and everything that proves it is computed again. */
  async rewrite(userId: string, more: number): Promise<void> {
    const id = `'${userId}'::uuid`;
    await this.shop.db.pastTriggers(`
      update transactions set amount = amount + case version when 1 then ${more} else 0 end, balance_after = balance_after + ${more}
        where user_id = ${id};
      update balances set posted = posted + ${more} where user_id = ${id};
      update journal set posted = posted + ${more},
        digest = coalesce((select ${digestOf('MOVEMENT', 't')} from transactions t where t.id = journal.subject_id), digest)
        where user_id = ${id} and version is not null;
      do $$
      declare
        entry record;
        last bytea := decode(repeat('00', 32), 'hex');
      begin
        for entry in select * from journal where user_id = ${id} order by sequence loop
          last := sha256(last || ${entryForm('entry')});
          update journal set hash = last where user_id = entry.user_id and sequence = entry.sequence;
        end loop;
      end $$`);
  }
}
