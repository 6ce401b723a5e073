import os from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Sandbox, startSandbox } from '@boxoffice/stripe-sandbox';
import { StripeFailure } from '@boxoffice/stripe-sandbox/stripe-error';
import type Stripe from 'stripe';
import { readConfig } from '../../src/config/config.js';
import { createGateway, type Gateway } from '../../src/gateway/gateway.js';
import { createEngine } from '../../src/gateway/graphql/engine.js';
import { createLogger } from '../../src/observability/logging.js';
import { composeServices, type Services } from '../../src/services/services.js';
import { LocalHints } from '../../src/stores/hints.js';
import { noOpenSessions } from '../../src/stores/open-sessions.js';
import { openStripe } from '../../src/stores/stripe.js';
import { SECRET } from '../gateway/gateway-kit.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';

/** What must not be seen in any log line or stored error. */
export const SECRET_KEY = 'sk_test_0oNobodyMaySeeThis0o';
export const WEBHOOK_SECRET = 'whsec_0oNorThis0o';

const HOUR_MS = 3_600_000;
const BATCH = 500;

/** Runs like the machine's clock, and can be moved forward. */
class RunningClock {
  private offsetMs = 0;
  now(): Date {
    return new Date(Date.now() + this.offsetMs);
  }
  advance(ms: number): void {
    this.offsetMs += ms;
  }
}

/** The whole product on a database of its own, with a sandbox as its Stripe, whose webhooks come over HTTP. */
export class SoakApp {
  /** Every line of the log. */
  readonly log: string[] = [];
  readonly clock = new RunningClock();
  /** The errors of jobs while the faults were on; their work continues at the next run. */
  readonly jobFailures = new Set<string>();

  private constructor(
    readonly db: TestDatabase,
    readonly sandbox: Sandbox,
    readonly stripe: Stripe,
    private readonly parts: { services?: Services; gateway?: Gateway },
  ) {}

  get services(): Services {
    return this.parts.services as Services;
  }

  static async open(): Promise<SoakApp> {
    const db = await testDatabase();
    const clock = { now: () => app.clock.now() };
    const sandbox = await startSandbox({
      port: 0,
      clock,
      // The services of a soak check signatures by the same clock, which is moved.
      signatureClock: clock,
      secretKey: SECRET_KEY,
      webhookUrl: null,
      webhookSecret: WEBHOOK_SECRET,
      stateFile: null,
      webhookRetryBaseMs: 50,
    });
    const stripe = openStripe({ secretKey: SECRET_KEY, apiUrl: sandbox.url, timeoutMs: 5_000, attemptsCount: 2 });
    const app = new SoakApp(db, sandbox, stripe, {});
    await app.start();
    return app;
  }

  private async start(): Promise<void> {
    const { db, sandbox, stripe, clock } = this;
    const read = readConfig({
      DATA_DIR: path.join(os.tmpdir(), 'boxoffice-soak'),
      DATABASE_URL: db.url,
      STRIPE_SECRET_KEY: SECRET_KEY,
      STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
      STRIPE_API_URL: sandbox.url,
      JWT_SECRET: SECRET,
    });
    const config = { ...read, http: { ...read.http, host: '127.0.0.1', port: 0 } };
    const logger = createLogger({ logLevel: 'debug' }, { destination: { write: (line) => void this.log.push(line) } });
    const services = composeServices({
      config,
      database: db.database,
      hints: new LocalHints(),
      stripe,
      openSessions: noOpenSessions,
      clock,
      logger,
    });
    const jobs = { list: async () => [], run: async () => ({ errors: [] }) };
    const engine = await createEngine({ config, logger, tracing: null });
    const gateway = await createGateway({
      config,
      engine,
      services: { ...services, jobs } as never,
      clock,
      logger,
      readiness: {},
    });
    const { url } = await gateway.start();
    sandbox.control.setWebhookUrl(`${url}/webhooks/stripe`);
    Object.assign(this.parts, { services, gateway });
  }

  async close(): Promise<void> {
    this.sandbox.control.setWebhookUrl(null);
    await this.parts.gateway?.stop();
    await this.services.close();
    await this.sandbox.stop();
    await this.db.drop();
  }

  /** One run of the jobs that resume what was cut off; returns how much there was to do. */
  async runJobs(): Promise<number> {
    const { stripeInbox, payout, orderSessions, catalogueSync } = this.services;
    const jobs = [
      () => stripeInbox.processDue(BATCH),
      () => payout.resumeDue(BATCH),
      () => orderSessions.closeDue(BATCH),
      () => catalogueSync.repairDue(BATCH),
    ];
    let done = 0;
    for (const job of jobs) {
      try {
        done += await job();
      } catch (error) {
        this.jobFailures.add(String(error));
      }
    }
    return done;
  }

  /** Runs the jobs as a worker does alongside the requests, until aborted; each run advances its clock by half a minute. */
  async work(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.runJobs();
      this.clock.advance(30_000);
      await this.sandbox.control.advanceClock(0);
      await pause(100);
    }
  }

  /** Lets everything finish: webhooks, jobs, what banks decide. Returns what is left, by name. */
  async settle(bank: () => Promise<number>): Promise<Record<string, number>> {
    let left: Record<string, number> = {};
    for (let round = 0; round < 100; round++) {
      await this.sandbox.control.flushWebhooks();
      await this.services.stripeInbox.idle();
      const decided = await bank();
      const done = await this.runJobs();
      left = await this.unsettled();
      const { 'events that failed': _givenUp, ...underWay } = left;
      if (decided + done === 0 && Object.values(underWay).every((count) => count === 0)) return left;
      this.clock.advance(2 * HOUR_MS);
      await this.sandbox.control.advanceClock(0);
    }
    return left;
  }

  private async unsettled(): Promise<Record<string, number>> {
    const [row] = await this.db.rows<Record<string, number>>(
      `select (select count(*) from stripe_events where status = 'RECEIVED')::int as "events in progress",
         (select count(*) from stripe_events where status = 'FAILED')::int as "events that failed",
         (select count(*) from refunds where status = 'PENDING')::int as "refunds in progress",
         (select count(*) from holds where status = 'PENDING')::int as "holds",
         (select count(*) from orders where status = 'OPEN')::int as "open orders",
         (select count(*) from subscriptions where stripe_sync_status = 'PENDING')::int as "copies in progress"`,
    );
    return row ?? {};
  }
}

/** What somebody does at the sandbox; null where it refuses, because the state does not allow it (any more). */
export function ifAllowed<Result>(work: () => Result): Result | null {
  try {
    return work();
  } catch (error) {
    if (error instanceof StripeFailure) return null;
    throw error;
  }
}
