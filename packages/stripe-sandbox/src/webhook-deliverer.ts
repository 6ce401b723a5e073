import { Agent, request } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import type { SandboxLogger } from './options.js';
import type { DeliveryRow } from './store.js';
import { signWebhook } from './webhook-signature.js';
import type { World } from './world.js';

interface Waiting {
  readonly id: string;
  attempts: number;
  timer: NodeJS.Timeout | null;
}

/** The state of the queue. */
export interface DeliveryCounts {
  delivered: number;
  abandoned: number;
  pending: number;
}

/**
 * Sends events to the webhook URL: in order of creation, with bounded concurrency, and with exponential backoff after failures. Waiting
 * deliveries are in the store, so that a restart continues with them.
 */
export class WebhookDeliverer {
  private readonly waiting = new Map<string, Waiting>();
  private ready: Waiting[] = [];
  private inProgress = 0;
  private delivered = 0;
  private abandoned = 0;
  private stopped = false;
  private activeFlushes = 0;
  private readonly agents = { 'http:': new Agent({ keepAlive: true }), 'https:': new TlsAgent({ keepAlive: true }) };
  private listeners: (() => void)[] = [];

  constructor(
    private readonly world: World,
    private readonly logger: SandboxLogger,
  ) {
    world.onDelivery((delivery) => this.enqueue(delivery));
  }

  /** Resumes the deliveries left by an earlier run. */
  resume(): void {
    for (const delivery of this.world.store.deliveries.rows()) this.enqueue(delivery);
  }

  counts(): DeliveryCounts {
    return { delivered: this.delivered, abandoned: this.abandoned, pending: this.waiting.size };
  }

  /** Sends all waiting deliveries without their delays, until none is waiting or the timeout has passed. */
  async flush(timeoutMs: number): Promise<DeliveryCounts> {
    this.activeFlushes += 1;
    for (const entry of this.waiting.values()) this.makeReady(entry);
    const deadline = Date.now() + timeoutMs;
    try {
      while (this.waiting.size > 0 && !this.stopped && this.world.webhookUrl !== null) {
        const leftMs = deadline - Date.now();
        if (leftMs <= 0) break;
        await this.nextEnd(leftMs);
      }
    } finally {
      this.activeFlushes -= 1;
    }
    return this.counts();
  }

  /** Drops all waiting deliveries. */
  clear(): void {
    for (const entry of this.waiting.values()) if (entry.timer !== null) clearTimeout(entry.timer);
    this.waiting.clear();
    this.ready = [];
    this.delivered = 0;
    this.abandoned = 0;
  }

  stop(): void {
    this.stopped = true;
    this.clear();
    this.agents['http:'].destroy();
    this.agents['https:'].destroy();
    this.tellListeners();
  }

  private enqueue(delivery: DeliveryRow): void {
    const entry: Waiting = { id: delivery.id, attempts: 0, timer: null };
    this.waiting.set(entry.id, entry);
    this.schedule(entry, delivery.delayMs);
  }

  private schedule(entry: Waiting, delayMs: number): void {
    if (delayMs <= 0) {
      this.ready.push(entry);
      queueMicrotask(() => this.work());
      return;
    }
    entry.timer = setTimeout(() => this.makeReady(entry), delayMs);
    entry.timer.unref();
  }

  private makeReady(entry: Waiting): void {
    if (entry.timer === null) return;
    clearTimeout(entry.timer);
    entry.timer = null;
    this.ready.push(entry);
    this.work();
  }

  private work(): void {
    while (!this.stopped && this.inProgress < this.world.settings.webhookConcurrency) {
      const entry = this.ready.shift();
      if (entry === undefined) return;
      this.inProgress += 1;
      void this.attempt(entry)
        .catch((error: unknown) => this.logger.warn({ error }, 'The sandbox could not process a webhook'))
        .finally(() => {
          this.inProgress -= 1;
          this.tellListeners();
          this.work();
        });
    }
  }

  private async attempt(entry: Waiting): Promise<void> {
    const delivery = this.world.store.deliveries.get(entry.id);
    const event = delivery === undefined ? undefined : this.world.store.events.get(delivery.event);
    if (delivery === undefined || event === undefined) {
      this.finish(entry, false);
      return;
    }
    entry.attempts += 1;
    const problem = await this.send(event.text).catch((error: Error) => error.message);
    if (this.stopped || !this.waiting.has(entry.id)) return;
    if (problem === null) {
      this.delivered += 1;
      this.finish(entry, true);
      return;
    }
    const { webhookAttemptsMaximum, webhookRetryBaseMs, webhookRetryMaximumMs } = this.world.settings;
    if (entry.attempts >= webhookAttemptsMaximum) {
      this.abandoned += 1;
      this.logger.warn(
        { event: event.id, type: event.type, attempts: entry.attempts, problem },
        'A webhook was abandoned after its last attempt',
      );
      this.finish(entry, false);
      return;
    }
    const waitMs = Math.min(webhookRetryBaseMs * 2 ** (entry.attempts - 1), webhookRetryMaximumMs);
    this.schedule(entry, this.activeFlushes > 0 ? Math.min(waitMs, FLUSH_RETRY_MS) : waitMs);
  }

  private finish(entry: Waiting, taken: boolean): void {
    this.waiting.delete(entry.id);
    const { store } = this.world;
    store.transaction(() => {
      const delivery = store.deliveries.get(entry.id);
      if (delivery === undefined) return;
      store.remove(store.deliveries, entry.id);
      const event = store.events.get(delivery.event);
      if (taken && event !== undefined && event.pendingWebhooks > 0) store.put(store.events, { ...event, pendingWebhooks: 0 });
    });
  }

  /** Sends one event; returns null if it was accepted (2xx), otherwise the reason. @throws for an invalid URL */
  private async send(text: string): Promise<string | null> {
    const { webhookUrl, settings } = this.world;
    if (webhookUrl === null) return 'there is no webhook address';
    const url = new URL(webhookUrl);
    const secure = url.protocol === 'https:';
    return new Promise((resolve) => {
      const outgoing = (secure ? tlsRequest : request)(url, {
        method: 'POST',
        agent: this.agents[secure ? 'https:' : 'http:'],
        timeout: settings.webhookTimeoutMs,
        headers: {
          'content-type': 'application/json; charset=utf-8',
          'content-length': Buffer.byteLength(text),
          'stripe-signature': signWebhook(
            text,
            settings.webhookSecrets,
            Math.floor(settings.signatureClock.now().getTime() / 1000),
          ),
          'user-agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
        },
      });
      outgoing.on('response', (response) => {
        response.resume();
        const status = response.statusCode ?? 0;
        response.on('end', () => resolve(status >= 200 && status < 300 ? null : `HTTP ${status}`));
        response.on('error', (error) => resolve(error.message));
      });
      outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in time')));
      outgoing.on('error', (error) => resolve(error.message));
      outgoing.end(text);
    });
  }

  private nextEnd(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, withinMs);
      this.listeners.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  private tellListeners(): void {
    const listeners = this.listeners;
    this.listeners = [];
    for (const listener of listeners) listener();
  }
}

/** The delay between attempts during a flush. */
const FLUSH_RETRY_MS = 20;
