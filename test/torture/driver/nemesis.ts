import { setTimeout as pause } from 'node:timers/promises';
import type { FaultRule } from '@boxoffice/stripe-sandbox/fault-rules';
import { until } from '../../support/until.js';
import type { AppUnderTest } from './app-under-test.js';
import type { Dice } from './dice.js';
import type { LiveClients } from './live-clients.js';
import type { Recorder } from './recorder.js';

/** What Stripe does wrong all the time. */
const STRIPE_FAULTS: readonly FaultRule[] = [
  { kind: 'error_429', probability: 0.03 },
  { kind: 'error_500', probability: 0.03 },
  { kind: 'error_500', saved: true, probability: 0.02 },
  { kind: 'error_500_after_work', probability: 0.03 },
  { kind: 'timeout_before_work', probability: 0.02 },
  { kind: 'timeout_after_work', probability: 0.02 },
  { kind: 'slow', probability: 0.05, delayMs: 50 },
  { kind: 'webhook_duplicate', probability: 0.3 },
  { kind: 'webhook_delay', probability: 0.1, delayMs: 800 },
  { kind: 'webhook_reorder', probability: 0.4, delayMs: 800 },
  { kind: 'webhook_drop', probability: 0.1 },
  { kind: 'refund_pending', probability: 0.3 },
  { kind: 'refund_fails_later', probability: 0.2, afterSeconds: 2 },
];

const MIN_PAUSE_MS = 200;
const MAX_PAUSE_MS = 900;
const RECOVERY_MS = 10_000;

/** Disturbs the app, in an order that follows from its dice: every kind once, then every kind again in another order. */
export class Nemesis {
  constructor(
    private readonly app: AppUnderTest,
    private readonly live: LiveClients,
    private readonly recorder: Recorder,
    private readonly dice: Dice,
  ) {}

  /** Until aborted. */
  async work(seed: number, signal: AbortSignal): Promise<void> {
    const { control } = this.app.sandbox;
    control.clearFaults(seed);
    for (const fault of STRIPE_FAULTS) control.addFault(fault);
    while (!signal.aborted) {
      for (const [what, disturb] of this.dice.shuffled(Object.entries(this.disturbances))) {
        if (signal.aborted) break;
        this.recorder.note({ type: 'nemesis', what });
        await disturb();
        await pause(this.dice.between(MIN_PAUSE_MS, MAX_PAUSE_MS));
        // Where nothing runs, nothing is disturbed.
        await until(() => this.app.isServing(), 'a gateway is ready', RECOVERY_MS).catch(() => undefined);
      }
    }
    this.end();
  }

  /** Nothing is slow or wrong any more. */
  private end(): void {
    this.app.sandbox.control.clearFaults();
    for (const { relay } of this.app.relays) relay.delayMs = 0;
    this.recorder.note({ type: 'nemesis', what: 'the end' });
  }

  private readonly disturbances: Readonly<Record<string, () => Promise<unknown>>> = {
    'a gateway is killed': () => this.gateway().restart('SIGKILL', this.dice.between(0, 500)),
    'a gateway is stopped': () => this.gateway().restart('SIGTERM', this.dice.between(0, 300)),
    'a gateway freezes': () => this.gateway().freeze(this.dice.between(300, 2_000)),
    'the worker is killed': () => this.app.worker.restart('SIGKILL', this.dice.between(0, 500)),
    'Postgres crashes': () => this.app.database.restart(true),
    'Postgres restarts': () => this.app.database.restart(false),
    'Redis is killed': async () => {
      await this.app.redis.kill();
      await pause(this.dice.between(0, 800));
      await this.app.redis.start();
    },
    'connections to Postgres are cut': async () => this.app.database.relay.cut(),
    'connections to Redis are cut': async () => this.app.redisRelay.cut(),
    'connections of clients are cut': async () => this.gateway().relay?.cut(),
    'sockets are cut': async () => this.live.cutSome(this.dice),
    'a connection is slow': () => this.slow(this.dice.between(20, 150), this.dice.between(500, 1_500)),
    'a connection hangs': () => this.slow(this.dice.between(600, 1_500), this.dice.between(300, 800)),
    'webhooks go to the other gateway': async () => this.app.sendWebhooksTo(this.dice.between(0, 1)),
    'connections to Postgres are cut again': async () => {
      for (let count = this.dice.between(2, 5); count > 0; count--) {
        this.app.database.relay.cut();
        await pause(this.dice.between(20, 150));
      }
    },
  };

  private gateway() {
    return this.app.gateways[this.dice.between(0, 1)] as AppUnderTest['gateways'][number];
  }

  private async slow(delayMs: number, forMs: number): Promise<void> {
    const link = this.dice.oneOf(this.app.relays);
    if (!link) return;
    link.relay.delayMs = delayMs;
    await pause(forMs);
    link.relay.delayMs = 0;
  }
}
