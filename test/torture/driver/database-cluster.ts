import path from 'node:path';
import pg from 'pg';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../../src/stores/embedded-postgres/embedded-postgres.js';
import { migrate } from '../../../src/stores/migrate.js';
import { Relay } from '../../support/relay.js';

/** A Postgres of its own, behind a relay, so that it keeps its address when it comes back on another port. */
export class DatabaseCluster {
  private constructor(
    private readonly directory: string,
    private postgres: EmbeddedPostgres,
    readonly relay: Relay,
    private readonly relayPort: number,
  ) {}

  static async start(home: string): Promise<DatabaseCluster> {
    const directory = path.join(home, 'postgres-data');
    const first = await startEmbeddedPostgres({ dataDirectory: directory, fast: true });
    await migrate(first.url);
    // A crash of the server must lose nothing, so commits wait for their log to be written; only a crash of the machine could.
    const client = new pg.Client({ connectionString: first.url });
    await client.connect();
    await client.query('alter system set fsync = off');
    await client.end();
    await first.stop();
    const postgres = await startEmbeddedPostgres({ dataDirectory: directory });
    const relay = new Relay(portOf(postgres.url));
    return new DatabaseCluster(directory, postgres, relay, await relay.start());
  }

  /** Through the relay. */
  get url(): string {
    const url = new URL(this.postgres.url);
    url.port = String(this.relayPort);
    return url.href;
  }

  /** Past the relay. */
  get directUrl(): string {
    return this.postgres.url;
  }

  /** `crash`: the server ends without a word, and recovers from its log. */
  async restart(crash: boolean): Promise<void> {
    if (crash) this.postgres.abandon();
    else await this.postgres.stop();
    this.postgres = await startEmbeddedPostgres({ dataDirectory: this.directory });
    this.relay.target = portOf(this.postgres.url);
  }

  async close(): Promise<void> {
    await this.relay.stop();
    await this.postgres.stop();
  }
}

const portOf = (url: string) => Number(new URL(url).port);
