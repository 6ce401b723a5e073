import { fork } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';

const EVENTS_PER_BATCH = 1_000;
const BATCHES_PER_ROUND = 20;
const PACED_EVENTS_PER_SECOND = 500;
const query = 'subscription { balanceChanged { cursor balance { version available { amount currency } } } }';

/** As the ledger writes: numbered under the viewer's lock, the event in the same transaction. */
const CHANGE = `
  with changed as (
    update balances set journal_sequence = journal_sequence + 1, version = version + 1, posted = posted + 1, updated_at = now()
    where user_id = any($1::uuid[]) returning *
  ), recorded as (
    insert into journal (user_id, sequence, kind, subject_id, version, posted, held, digest, created_at)
    select user_id, journal_sequence, 'MOVEMENT', gen_random_uuid(), version, posted, held, '', updated_at from changed
  )
  select user_id as "userId", journal_sequence as "sequence", version, posted::int from changed`;

/** A server under test with a socket for each viewer. */
export class Target {
  /** `checkout`: where the server's code is; this one unless another is named. */
  static async start(kind, viewers, stores, checkout) {
    const target = new Target();
    target.kind = kind;
    target.viewers = viewers;
    target.stores = stores;
    target.arrived = 0;
    target.committedAt = new Map();
    target.latencies = [];
    const file = checkout ? `${checkout}/bench/live/live-server.js` : fileURLToPath(new URL('./live-server.js', import.meta.url));
    target.server = fork(file, [kind, stores.databaseUrl, stores.redisUrl], { execArgv: ['--expose-gc'] });
    target.server.once('exit', (code) => {
      if (code !== 0) throw new Error(`the server under test ended with ${code}`);
    });
    const { port } = await target.message();
    const before = await target.usage('memory');
    target.sockets = [];
    for (let start = 0; start < viewers.length; start += 200) {
      const some = viewers.slice(start, start + 200);
      target.sockets.push(...(await Promise.all(some.map((userId) => target.open(port, userId)))));
    }
    await pause(1_000);
    target.bytesPerSocket = ((await target.usage('memory')).rssBytes - before.rssBytes) / viewers.length;
    return target;
  }

  /** As many events as it takes; events for a second of the server's CPU. */
  async saturate() {
    const before = await this.usage('cpu');
    const first = this.arrived;
    let written = 0;
    for (let batch = 0; batch < BATCHES_PER_ROUND; batch++) {
      const start = (batch * EVENTS_PER_BATCH) % this.viewers.length;
      written += await this.change(this.viewers.slice(start, start + EVENTS_PER_BATCH));
      // The server may be two batches behind, so that it is never idle and nothing piles up for ever.
      await this.until(() => this.arrived - first >= written - 2 * EVENTS_PER_BATCH);
    }
    await this.until(() => this.arrived - first >= written);
    return written / ((await this.usage('cpu')).cpuSeconds - before.cpuSeconds);
  }

  /** A steady rate; milliseconds from commit to arrival, sorted. */
  async pace(seconds) {
    this.latencies = [];
    const size = PACED_EVENTS_PER_SECOND / 50;
    const startedAt = performance.now();
    for (let tick = 0; tick < seconds * 50; tick++) {
      const start = (tick * size) % this.viewers.length;
      const some = this.viewers.slice(start, start + size);
      await this.change(some, true);
      await pause(Math.max(0, startedAt + (tick + 1) * 20 - performance.now()));
    }
    await this.until(() => this.committedAt.size === 0);
    return this.latencies.sort((left, right) => left - right);
  }

  async change(viewers, timed = false) {
    const { rows } = await this.stores.database.query(CHANGE, [viewers]);
    const now = performance.now();
    if (timed) for (const { userId } of rows) this.committedAt.set(userId, now);
    const pipeline = this.stores.redis.pipeline();
    for (const { userId, sequence, version, posted } of rows) {
      if (this.kind === 'ours') pipeline.publish(`boxoffice:live:${userId}`, String(sequence));
      else pipeline.publish('bench', userId + bareMessage(sequence, version, posted));
    }
    await pipeline.exec();
    return rows.length;
  }

  open(port, userId) {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/graphql`, 'graphql-transport-ws', { perMessageDeflate: false });
      socket.on('error', reject);
      socket.on('open', () => socket.send(JSON.stringify({ type: 'connection_init', payload: { token: userId } })));
      let present = false;
      socket.on('message', (data) => {
        if (present) return this.arrive(userId);
        const text = data.toString();
        if (text.startsWith('{"type":"connection_ack"')) {
          socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query } }));
        } else {
          if (text.includes('errors')) throw new Error(text);
          present = true;
          resolve(socket);
        }
      });
    });
  }

  arrive(userId) {
    this.arrived++;
    const committedAt = this.committedAt.get(userId);
    if (committedAt === undefined) return;
    this.latencies.push(performance.now() - committedAt);
    this.committedAt.delete(userId);
  }

  async until(condition) {
    const deadline = Date.now() + 30_000;
    while (!condition()) {
      if (Date.now() > deadline) throw new Error(`${this.kind}: events are missing`);
      await pause(1);
    }
  }

  message() {
    return new Promise((resolve) => this.server.once('message', resolve));
  }

  /** 'cpu' or 'memory', the latter after a collection. */
  usage(kind) {
    const answer = this.message();
    this.server.send(kind);
    return answer;
  }

  async stop() {
    for (const socket of this.sockets) socket.terminate();
    const exited = new Promise((resolve) => this.server.once('exit', resolve));
    this.server.disconnect();
    await exited;
  }
}

function bareMessage(sequence, version, posted) {
  const balanceChanged = {
    cursor: `AQHbHbHbHb${sequence}`,
    balance: { version, available: { amount: posted, currency: 'EUR' } },
  };
  return JSON.stringify({ id: '1', type: 'next', payload: { data: { balanceChanged } } });
}
