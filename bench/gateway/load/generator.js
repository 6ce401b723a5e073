// The load, in a process of its own: connections that each send their next request when the last one is answered. Raw sockets and
// requests made beforehand, so that the measured server waits for nothing but its own work.
import { createHmac, randomUUID } from 'node:crypto';
import net from 'node:net';

const HEAD_END = Buffer.from('\r\n\r\n');
const CHUNKED_END = Buffer.from('0\r\n\r\n');
const GRAPHQL_ERRORS = Buffer.from('"errors":[{');

process.on('message', async (order) => {
  try {
    process.send(await run(order));
  } catch (error) {
    process.send({ fault: error.stack });
  }
});
process.on('disconnect', () => process.exit(0));

/** Loads a port for `warmMs` and then for `measureMs`. Reports when measuring begins and ends, for readers of CPU times. */
async function run({ port, requests, unique, secret, connections, warmMs, measureMs }) {
  const makers = requests.map((request) => makerOf(request, unique, secret));
  const state = { next: 0, makers, durations: [], measuring: false, stopping: false, errors: 0, firstError: null };
  const all = await Promise.all(Array.from({ length: connections }, () => Connection.open(port, state)));
  const ended = all.map((connection) => connection.run());
  const failed = Promise.race(ended.map((end) => end.then(() => new Promise(() => {}))));
  await Promise.race([pause(warmMs), failed]);
  process.send({ measuring: true });
  const cpu = process.cpuUsage();
  const begin = performance.now();
  state.measuring = true;
  await Promise.race([pause(measureMs), failed]);
  state.measuring = false;
  const seconds = (performance.now() - begin) / 1_000;
  const used = process.cpuUsage(cpu);
  process.send({ measured: true });
  state.stopping = true;
  await Promise.all(ended);
  const durations = Float64Array.from(state.durations).sort();
  return {
    result: {
      perSecond: durations.length / seconds,
      count: durations.length,
      p50Ms: durations[Math.floor(durations.length * 0.5)],
      p99Ms: durations[Math.floor(durations.length * 0.99)],
      errors: state.errors,
      firstError: state.firstError,
      loadCpu: (used.user + used.system) / 1e6 / seconds,
    },
  };
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The bytes of a request; built again each time if it must be unique or signed. */
function makerOf({ head, body }, unique, secret) {
  const headOf = (extra) => `${head}${extra}\r\n`;
  if (!unique) {
    const bytes = Buffer.from(headOf('') + body);
    return () => bytes;
  }
  const [before, after] = body.split(unique);
  return () => {
    const text = before + randomUUID() + after;
    if (!secret) return headOf('') + text;
    const timestamp = Math.floor(Date.now() / 1_000);
    const signature = createHmac('sha256', secret).update(`${timestamp}.${text}`).digest('hex');
    return headOf(`stripe-signature: t=${timestamp},v1=${signature}\r\n`) + text;
  };
}

class Connection {
  static open(port, state) {
    return new Promise((resolve, reject) => {
      const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new Connection(socket, state));
      });
    });
  }

  constructor(socket, state) {
    this.socket = socket;
    this.state = state;
    this.pending = null;
  }

  /** Ends when the load is over; fails when the server closes the connection. */
  run() {
    return new Promise((resolve, reject) => {
      this.finish = resolve;
      this.socket.on('error', reject);
      this.socket.on('close', () => reject(new Error('the server closed a connection')));
      this.socket.on('data', (chunk) => this.take(chunk));
      this.send();
    });
  }

  send() {
    const { state } = this;
    if (state.stopping) {
      this.socket.removeAllListeners('close');
      this.socket.destroy();
      this.finish();
      return;
    }
    const make = state.makers[state.next++ % state.makers.length];
    const request = make();
    this.sentAt = performance.now();
    this.socket.write(request);
  }

  take(chunk) {
    const bytes = this.pending ? Buffer.concat([this.pending, chunk]) : chunk;
    if (!isWhole(bytes)) {
      this.pending = bytes;
      return;
    }
    this.pending = null;
    const { state } = this;
    // Status line: HTTP/1.1 200 OK
    if (bytes[9] !== 0x32 || bytes.includes(GRAPHQL_ERRORS)) {
      state.errors++;
      state.firstError ??= bytes.toString('utf8').slice(0, 2_000);
    }
    if (state.measuring) state.durations.push(performance.now() - this.sentAt);
    this.send();
  }
}

/** Whether a response has come as a whole. Nothing follows it: the next request has not been sent yet. */
function isWhole(bytes) {
  const end = bytes.indexOf(HEAD_END);
  if (end < 0) return false;
  const head = bytes.latin1Slice(0, end);
  const length = /\r\ncontent-length: *(\d+)/i.exec(head);
  if (length) return bytes.length >= end + 4 + Number(length[1]);
  return /\r\ntransfer-encoding: *chunked/i.test(head) && bytes.subarray(-5).equals(CHUNKED_END);
}
