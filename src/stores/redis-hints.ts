import type { Redis } from 'ioredis';
import { type HintChannel, type HintListener, type HintState, LocalHints } from './hints.js';
import { connectRedis, type RedisSettings } from './redis.js';

const CHANNEL_PREFIX = 'boxoffice:live:';
/** Channels in one SUBSCRIBE. */
const CHANNELS_PER_COMMAND = 1_000;
/** Publications being sent to Redis; further ones are dropped, and found by the sweep. */
const MAX_PENDING_PUBLICATIONS = 10_000;
/** How often connections are checked, to detect a peer that has vanished silently. */
const HEARTBEAT_INTERVAL_MS = 2_000;

/**
 * Hints across nodes, through Redis: one connection publishes, and one subscribes to the channels of the viewers connected to this node
 * only. This node's own hints do not go through Redis.
 */
export class RedisHints implements HintChannel {
  private readonly local = new LocalHints();
  private readonly publisher: Redis;
  private readonly subscriber: Redis;
  private readonly heartbeat: NodeJS.Timeout;
  /** Viewers whose channel was subscribed to on the current connection. */
  private readonly asked = new Set<string>();
  /** Viewers whose channel may have to be subscribed to or unsubscribed from. */
  private readonly changed = new Set<string>();
  private flushPlanned = false;
  private following = false;
  private pendingPublications = 0;
  /** Incremented with each connection, so that responses of an earlier one are ignored. */
  private generation = 0;
  private subscribed = false;
  private closed = false;

  constructor(settings: RedisSettings) {
    this.publisher = connectRedis({ ...settings, connectionName: 'boxoffice-hints-publisher' }, { enableAutoPipelining: true });
    this.subscriber = connectRedis({ ...settings, connectionName: 'boxoffice-hints-subscriber' }, { autoResubscribe: false });
    this.subscriber.on('message', (channel: string, message: string) => this.receive(channel, message));
    this.subscriber.on('ready', () => void this.subscribeToAll());
    this.subscriber.on('close', () => {
      this.subscribed = false;
      this.generation++;
    });
    this.heartbeat = setInterval(() => this.beat(), HEARTBEAT_INTERVAL_MS);
    this.heartbeat.unref();
  }

  announce(userId: string, sequence: number): void {
    this.local.announce(userId, sequence);
    if (this.closed || this.publisher.status !== 'ready' || this.pendingPublications >= MAX_PENDING_PUBLICATIONS) return;
    this.pendingPublications++;
    // If a hint is lost, the sweeps of the other nodes find the change.
    this.publisher
      .publish(CHANNEL_PREFIX + userId, String(sequence))
      .catch(() => undefined)
      .finally(() => this.pendingPublications--);
  }

  listen(userId: string, listener: HintListener): () => void {
    const stop = this.local.listen(userId, listener);
    this.scheduleUpdate(userId);
    return () => {
      stop();
      this.scheduleUpdate(userId);
    };
  }

  state(): HintState {
    return this.subscribed && this.publisher.status === 'ready' ? 'CONNECTED' : 'DOWN';
  }

  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.heartbeat);
    this.publisher.disconnect();
    this.subscriber.disconnect();
    await this.local.close();
  }

  private receive(channel: string, message: string): void {
    const sequence = Number(message);
    this.local.deliver(channel.slice(CHANNEL_PREFIX.length), Number.isSafeInteger(sequence) ? sequence : null);
  }

  /** Viewers come and go in bursts: changes within one turn of the event loop are sent as one command. */
  private scheduleUpdate(userId: string): void {
    this.changed.add(userId);
    if (this.flushPlanned || this.closed) return;
    this.flushPlanned = true;
    setImmediate(() => {
      this.flushPlanned = false;
      if (!this.closed && this.subscribed) void this.follow();
    });
  }

  /**
   * Subscribes to the channels of new viewers, and unsubscribes from those of viewers who have left. One run at a time: a viewer's latest
   * state must reach Redis last.
   */
  private async follow(): Promise<void> {
    if (this.following) return;
    this.following = true;
    const { generation } = this;
    try {
      while (this.changed.size > 0 && this.subscribed && !this.closed) await this.followOnce();
    } catch {
      if (generation === this.generation) this.reconnect();
    } finally {
      this.following = false;
    }
  }

  private async followOnce(): Promise<void> {
    const changed = [...this.changed];
    this.changed.clear();
    const wanted = changed.filter((userId) => this.local.hears(userId) && !this.asked.has(userId));
    const unwanted = changed.filter((userId) => !this.local.hears(userId) && this.asked.has(userId));
    for (const userId of unwanted) this.asked.delete(userId);
    for (const userId of wanted) this.asked.add(userId);
    for (const part of parts(unwanted)) await this.subscriber.unsubscribe(...part.map(channelOf));
    for (const part of parts(wanted)) {
      await this.subscriber.subscribe(...part.map(channelOf));
      // Hints announced before the subscription did not arrive here, so the listeners must poll.
      for (const userId of part) this.local.deliver(userId, null);
    }
  }

  /** On each new connection: subscribes to all channels, then makes all listeners poll for missed changes. */
  private async subscribeToAll(): Promise<void> {
    const { generation } = this;
    const viewers = [...this.local.viewers()];
    this.asked.clear();
    for (const userId of viewers) this.asked.add(userId);
    try {
      for (const part of parts(viewers)) await this.subscriber.subscribe(...part.map(channelOf));
      if (this.closed || generation !== this.generation) return;
      this.subscribed = true;
      this.local.invalidate();
      // Viewers who connected or left in the meantime.
      await this.follow();
    } catch {
      if (generation === this.generation) this.reconnect();
    }
  }

  private beat(): void {
    if (this.subscriber.status === 'ready') this.subscriber.ping().catch(() => this.reconnect());
    if (this.publisher.status === 'ready') this.publisher.ping().catch(() => this.publisher.disconnect(true));
  }

  private reconnect(): void {
    if (!this.closed) this.subscriber.disconnect(true);
  }
}

const channelOf = (userId: string) => CHANNEL_PREFIX + userId;

function* parts(userIds: readonly string[]): Generator<readonly string[]> {
  for (let start = 0; start < userIds.length; start += CHANNELS_PER_COMMAND) {
    yield userIds.slice(start, start + CHANNELS_PER_COMMAND);
  }
}
