import type { Redis } from 'ioredis';
import { type HintChannel, type HintListener, type HintState, LocalHints } from './hints.js';
import { connectRedis, type RedisSettings } from './redis.js';

const CHANNEL_PREFIX = 'boxoffice:live:';
/** Channels in one SUBSCRIBE. */
const CHANNELS_PER_COMMAND = 1_000;
/** Publications on their way to Redis; more are dropped, and found by the sweep. */
const MAX_PENDING_PUBLICATIONS = 10_000;
/** A connection whose other side has vanished without a word is found out this fast. */
const HEARTBEAT_INTERVAL_MS = 2_000;

/**
 * Hints across nodes, through Redis: one connection that publishes and one that is subscribed to the channels of the viewers
 * connected to this node, and to no others. Hints of this node reach this node without Redis.
 */
export class RedisHints implements HintChannel {
  private readonly local = new LocalHints();
  private readonly publisher: Redis;
  private readonly subscriber: Redis;
  private readonly heartbeat: NodeJS.Timeout;
  /** Viewers whose channel was asked for on the present connection. */
  private readonly asked = new Set<string>();
  /** Viewers whose channel may have to be taken or left. */
  private readonly changed = new Set<string>();
  private flushPlanned = false;
  private following = false;
  private pendingPublications = 0;
  /** Grows with each connection, so that answers of an earlier one count for nothing. */
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
    // A hint that does not get through is found by the sweep of the other nodes.
    this.publisher
      .publish(CHANNEL_PREFIX + userId, String(sequence))
      .catch(() => undefined)
      .finally(() => this.pendingPublications--);
  }

  listen(userId: string, listener: HintListener): () => void {
    const stop = this.local.listen(userId, listener);
    this.reconsider(userId);
    return () => {
      stop();
      this.reconsider(userId);
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
    this.local.tell(channel.slice(CHANNEL_PREFIX.length), Number.isSafeInteger(sequence) ? sequence : null);
  }

  /** Viewers come and go in bursts: what changed within one turn of the event loop goes out as one command. */
  private reconsider(userId: string): void {
    this.changed.add(userId);
    if (this.flushPlanned || this.closed) return;
    this.flushPlanned = true;
    setImmediate(() => {
      this.flushPlanned = false;
      if (!this.closed && this.subscribed) void this.follow();
    });
  }

  /**
   * Takes the channels of viewers who have come, leaves those of viewers who have gone. One run at a time: what a viewer
   * wanted last must reach Redis last.
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
      // What was announced before the channel was ours is not lost, only unheard.
      for (const userId of part) this.local.tell(userId, null);
    }
  }

  /** On each new connection: all channels, then everyone looks for what was missed meanwhile. */
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
      // Viewers who came or went meanwhile.
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
