import { API_VERSION, type EventObjects, type EventType } from './bodies.js';
import { FaultBook } from './fault-book.js';
import { newIdentifier } from './identifiers.js';
import { MAX_PENDING_DELIVERIES } from './limits.js';
import type { SandboxSettings } from './options.js';
import { SandboxClock } from './sandbox-clock.js';
import { type DeliveryRow, Store } from './store.js';

/** The request that caused a change, as in the `request` field of its events; null for automatic changes. */
export interface Origin {
  readonly requestId: string;
  readonly idempotencyKey: string | null;
}

const WEBHOOK_REORDER_WINDOW_MS = 250;
const WEBHOOK_DELAY_MS = 1_000;

/** Shared by every part of the sandbox: state, clock, faults, and the creation of events. */
export class World {
  readonly store: Store;
  readonly clock: SandboxClock;
  readonly faults: FaultBook;
  readonly accountId = 'acct_1SandboxBoxoffice';
  /** The base URL of the checkout page; known once the server listens. */
  publicUrl = '';
  /** Deliveries are created only while there is a URL to send them to. */
  webhookUrl: string | null = null;
  /** The number of events that were not delivered because too many were waiting. */
  deliveriesRefused = 0;
  private origin: Origin | null = null;
  private announceDelivery: (delivery: DeliveryRow) => void = () => undefined;

  constructor(readonly settings: SandboxSettings) {
    this.store = new Store(settings.stateFile);
    this.clock = new SandboxClock(settings.clock);
    this.faults = new FaultBook(settings.seed);
    this.clock.restoreOffset(this.store.settings.get('settings')?.clockOffsetMs ?? 0);
  }

  /** Calls `listener` for each new delivery after its commit. */
  onDelivery(listener: (delivery: DeliveryRow) => void): void {
    this.announceDelivery = listener;
  }

  /** Runs `work` in one transaction, on behalf of `origin`. It is synchronous, so nothing runs in between. */
  act<T>(origin: Origin | null, work: () => T): T {
    this.origin = origin;
    try {
      return this.store.transaction(work);
    } finally {
      this.origin = null;
    }
  }

  /** Creates an event with the current object, and its webhook deliveries. */
  publish<Type extends EventType>(type: Type, object: EventObjects[Type], previousAttributes?: object): void {
    const id = newIdentifier('evt');
    const created = this.clock.nowSeconds();
    const deliveries = this.webhookUrl === null ? [] : this.planDeliveries(id, type);
    const text = JSON.stringify({
      id,
      object: 'event',
      api_version: API_VERSION,
      created,
      data: previousAttributes === undefined ? { object } : { object, previous_attributes: previousAttributes },
      livemode: false,
      pending_webhooks: 1,
      request: { id: this.origin?.requestId ?? null, idempotency_key: this.origin?.idempotencyKey ?? null },
      type,
    });
    this.store.put(this.store.events, { id, type, created, text, pendingWebhooks: this.webhookUrl === null ? 0 : 1 });
    for (const delivery of deliveries) this.addDelivery(delivery);
  }

  /** Publishes a change, with the previous values of the changed fields. */
  publishChange<Type extends EventType>(type: Type, before: EventObjects[Type], after: EventObjects[Type]): void {
    this.publish(type, after, differingValues(before, after));
  }

  addDelivery(delivery: DeliveryRow): void {
    if (this.store.deliveries.size >= MAX_PENDING_DELIVERIES) {
      this.deliveriesRefused += 1;
      return;
    }
    this.store.put(this.store.deliveries, delivery);
    this.store.afterCommit(() => this.announceDelivery(delivery));
  }

  private planDeliveries(event: string, eventType: string): DeliveryRow[] {
    if (this.faults.take(['webhook_drop'], { eventType }) !== null) return [];
    let delayMs = 0;
    const late = this.faults.take(['webhook_delay', 'webhook_reorder'], { eventType });
    if (late?.kind === 'webhook_delay') delayMs = late.delayMs ?? WEBHOOK_DELAY_MS;
    if (late?.kind === 'webhook_reorder') {
      delayMs = Math.ceil(this.faults.magnitude() * (late.delayMs ?? WEBHOOK_REORDER_WINDOW_MS));
    }
    const deliveries: DeliveryRow[] = [{ id: newIdentifier('whd'), event, delayMs }];
    if (this.faults.take(['webhook_duplicate'], { eventType }) !== null) {
      deliveries.push({ id: newIdentifier('whd'), event, delayMs });
    }
    return deliveries;
  }
}

function differingValues(before: object, after: object): Record<string, unknown> {
  const previous: Record<string, unknown> = {};
  const old = before as Record<string, unknown>;
  for (const [key, value] of Object.entries(after)) {
    if (old[key] !== value && JSON.stringify(old[key]) !== JSON.stringify(value)) previous[key] = old[key] ?? null;
  }
  return previous;
}
