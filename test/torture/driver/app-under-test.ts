import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Sandbox, startSandbox } from '@boxoffice/stripe-sandbox';
import { GatewayProcess } from '../../support/gateway-process.js';
import { RedisServer } from '../../support/redis-server.js';
import { Relay } from '../../support/relay.js';
import { DatabaseCluster } from './database-cluster.js';

const WEBHOOK_SECRET = 'whsec_torture';
const SUPERVISION_MS = 100;

/** Short enough that what a disturbance leaves behind is continued within the run. */
const SETTINGS = {
  LOG_LEVEL: 'error',
  DATABASE_CONNECT_TIMEOUT_MS: '2000',
  STRIPE_TIMEOUT_MS: '2000',
  STRIPE_ATTEMPTS_COUNT: '2',
  STRIPE_EVENT_BACKOFF_MS: '100',
  STRIPE_EVENT_BACKOFF_MAXIMUM_MS: '2000',
  STRIPE_EVENT_ATTEMPTS_COUNT: '100',
  PROCESS_STRIPE_EVENTS_INTERVAL_MS: '500',
  RESUME_REFUNDS_INTERVAL_MS: '500',
  RELEASE_STALE_HOLDS_INTERVAL_MS: '500',
  CLOSE_ORDERS_INTERVAL_MS: '2000',
  SYNCHRONISE_CATALOGUE_INTERVAL_MS: '1000',
  JOB_LOCK_LIFETIME_MS: '3000',
  RECONCILE_LOOK_BACK_MS: '3600000',
  LIVE_SWEEP_INTERVAL_MS: '500',
  LIVE_QUIET_SWEEP_INTERVAL_MS: '2000',
} as const;

/** Starts a process again whenever it has ended, as a container's restart policy does. */
export class SupervisedProcess {
  private wanted = false;
  private watching: NodeJS.Timeout | undefined;

  constructor(
    readonly name: string,
    private readonly process: GatewayProcess,
    /** What clients connect to; null for a process without clients. */
    readonly relay: Relay | null,
  ) {}

  async start(): Promise<void> {
    this.wanted = true;
    await this.process.start();
    this.watching = setInterval(() => {
      if (this.wanted && !this.process.isRunning()) void this.process.launch();
    }, SUPERVISION_MS);
  }

  /** Ends it with the signal, and starts it again after a while. */
  async restart(signal: 'SIGKILL' | 'SIGTERM', downMs: number): Promise<void> {
    this.wanted = false;
    await this.process.end(signal);
    await pause(downMs);
    this.wanted = true;
  }

  /** Stops it from running for a while, with its connections open. */
  async freeze(ms: number): Promise<void> {
    this.process.signal('SIGSTOP');
    await pause(ms);
    this.process.signal('SIGCONT');
  }

  async isReady(): Promise<boolean> {
    return (await this.process.readiness())?.status === 'ready';
  }

  get log(): string {
    return this.process.written;
  }

  async close(): Promise<void> {
    this.wanted = false;
    clearInterval(this.watching);
    await this.process.close();
    await this.relay?.stop();
  }
}

/** Two gateways and a worker as they are shipped, on one Postgres, one Redis and one Stripe, with everything between them in reach. */
export class AppUnderTest {
  private constructor(
    readonly database: DatabaseCluster,
    readonly redis: RedisServer,
    readonly redisRelay: Relay,
    readonly sandbox: Sandbox,
    readonly gateways: readonly SupervisedProcess[],
    readonly worker: SupervisedProcess,
    readonly urls: readonly string[],
    /** Takes webhooks to one gateway or the other. */
    readonly webhookRelay: Relay,
  ) {}

  /** `home`: a directory for its data; `build`: the output of the build to run. */
  static async start(home: string, build: string, onStart: (stop: () => Promise<void>) => void): Promise<AppUnderTest> {
    const database = await DatabaseCluster.start(home);
    onStart(() => database.close());
    const redis = await RedisServer.start();
    onStart(() => redis.close());
    const redisRelay = new Relay(redis.port);
    onStart(() => redisRelay.stop());
    const sandbox = await startSandbox({
      port: 0,
      webhookUrl: null,
      webhookSecret: WEBHOOK_SECRET,
      stateFile: null,
      webhookRetryBaseMs: 50,
      webhookRetryMaximumMs: 1_000,
      webhookAttemptsMaximum: 100,
      webhookTimeoutMs: 3_000,
      delayedPaymentSeconds: 1,
    });
    onStart(() => sandbox.stop());
    const environment = {
      ...SETTINGS,
      DATABASE_URL: database.url,
      REDIS_URL: `redis://127.0.0.1:${await redisRelay.start()}`,
      STRIPE_API_URL: sandbox.url,
      STRIPE_SECRET_KEY: sandbox.secretKey,
      STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
    };
    const gateways: SupervisedProcess[] = [];
    const urls: string[] = [];
    for (const name of ['gateway 0', 'gateway 1']) {
      const process = await GatewayProcess.on({ ...environment, RUN_JOBS: 'false' }, 'main.js', build);
      const relay = new Relay(process.port);
      urls.push(`http://127.0.0.1:${await relay.start()}`);
      gateways.push(new SupervisedProcess(name, process, relay));
    }
    const worker = new SupervisedProcess('worker', await GatewayProcess.on(environment, 'worker.js', build), null);
    for (const process of [...gateways, worker]) onStart(() => process.close());
    await Promise.all([...gateways, worker].map((process) => process.start()));
    const webhookRelay = new Relay(gateways[0]?.relay?.target ?? 0);
    onStart(() => webhookRelay.stop());
    sandbox.control.setWebhookUrl(`http://127.0.0.1:${await webhookRelay.start()}/webhooks/stripe`);
    return new AppUnderTest(database, redis, redisRelay, sandbox, gateways, worker, urls, webhookRelay);
  }

  /** Whether any gateway is ready. */
  async isServing(): Promise<boolean> {
    return (await Promise.all(this.gateways.map((gateway) => gateway.isReady()))).includes(true);
  }

  /** Webhooks go to this gateway from now on. */
  sendWebhooksTo(index: number): void {
    this.webhookRelay.target = this.gateways[index]?.relay?.target ?? this.webhookRelay.target;
    this.webhookRelay.cut();
  }

  get relays(): readonly { readonly name: string; readonly relay: Relay }[] {
    const clients = this.gateways.map(({ name, relay }) => ({ name: `the clients of ${name}`, relay: relay as Relay }));
    return [{ name: 'Postgres', relay: this.database.relay }, { name: 'Redis', relay: this.redisRelay }, ...clients];
  }

  /** Writes what the processes have logged. */
  keepLogs(directory: string): void {
    mkdirSync(directory, { recursive: true });
    for (const { name, log } of [...this.gateways, this.worker])
      writeFileSync(path.join(directory, `${name.replace(' ', '-')}.log`), log);
  }
}
