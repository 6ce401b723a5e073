import { afterEach, describe, expect, test } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { ConnectionGuard } from '../../src/gateway/http/connection-guard.js';
import { RawConnection } from '../support/raw-connection.js';
import { until } from '../support/until.js';
import { startGateway } from './gateway-kit.js';

type Gateway = Awaited<ReturnType<typeof startGateway>>;

/** More than the two kernels hold between them for a client that does not read. */
const LARGE = Buffer.alloc(64 * 1024 * 1024, 'x');

let gateway: Gateway | undefined;
let app: FastifyInstance;
let answering = 0;

async function start(environment: Record<string, string>): Promise<Gateway> {
  gateway = await startGateway({
    environment,
    extend: (server) => {
      app = server;
      answering = 0;
      server.get('/large', (_request, reply) => {
        answering++;
        return reply.type('text/plain').send(LARGE);
      });
    },
  });
  return gateway;
}

afterEach(async () => {
  await gateway?.stop();
  gateway = undefined;
});

const connections = () => new Promise<number>((resolve) => app.server.getConnections((_error, count) => resolve(count)));

describe('A client that does not send its request within REQUEST_TIMEOUT_MS', () => {
  const unfinished: [what: string, lines: string[], body: string][] = [
    ['the headers', ['GET /healthz HTTP/1.1', 'Host: localhost', 'X-Slow: 1'], ''],
    [
      'a GraphQL body',
      ['POST /graphql HTTP/1.1', 'Host: localhost', 'Content-Type: application/json', 'Content-Length: 100'],
      '{"query',
    ],
    [
      'a chunked body',
      ['POST /graphql HTTP/1.1', 'Host: localhost', 'Content-Type: application/json', 'Transfer-Encoding: chunked'],
      '5\r\n{"que',
    ],
    [
      'a webhook body',
      ['POST /webhooks/stripe HTTP/1.1', 'Host: localhost', 'Content-Type: application/json', 'Content-Length: 9'],
      '{',
    ],
    ['the head of a WebSocket', ['GET /graphql HTTP/1.1', 'Host: localhost', 'Connection: Upgrade', 'Upgrade: websocket'], ''],
  ];

  test.each(unfinished)('but only a part of %s is answered 408 and disconnected', async (what, lines, body) => {
    const { url } = await start({ REQUEST_TIMEOUT_MS: '300' });
    const connection = await RawConnection.to(url);
    if (body === '') connection.socket.write(`${lines.join('\r\n')}\r\n`);
    else connection.request(lines, body);
    // Node checks every 30 s by default; a test that relied on that would take twice as long as it may.
    await connection.closing();
    expect([what, await connection.status()]).toEqual([what, 408]);
  });

  test('but begins a body that nobody asked for is answered at once, and disconnected when the body does not end', async () => {
    const { url } = await start({ REQUEST_TIMEOUT_MS: '300' });
    const connection = await RawConnection.to(url);
    connection.request(['POST /healthz HTTP/1.1', 'Host: localhost', 'Content-Length: 9'], 'x');
    await connection.closing();
    expect(await connection.status()).toBe(404);
  });

  test('but keeps sending a little is disconnected all the same', async () => {
    const { url } = await start({ REQUEST_TIMEOUT_MS: '300' });
    const connection = await RawConnection.to(url);
    connection.socket.write('GET /healthz HTTP/1.1\r\n');
    const drip = setInterval(() => connection.socket.writable && connection.socket.write('X-Slow: 1\r\n'), 20);
    await connection.closing().finally(() => clearInterval(drip));
    expect(await connection.status()).toBe(408);
  });

  test('nor a single byte is disconnected', async () => {
    const { url } = await start({ REQUEST_TIMEOUT_MS: '300' });
    await (await RawConnection.to(url)).closing();
    await until(async () => (await connections()) === 0, 'no connection is left');
  });
});

test('a request whose headers are longer than REQUEST_HEADER_BYTES is answered 431', async () => {
  const { url } = await start({ REQUEST_HEADER_BYTES: '4096' });
  const head = ['GET /healthz HTTP/1.1', 'Host: localhost'];
  const modest = (await RawConnection.to(url)).request([...head, `X-Long: ${'x'.repeat(3_000)}`]);
  expect(await modest.status()).toBe(200);
  modest.socket.destroy();
  const long = (await RawConnection.to(url)).request([...head, `X-Long: ${'x'.repeat(5_000)}`]);
  expect(await long.status()).toBe(431);
  await long.closing();
});

test('connections beyond the maximum are closed at once, and served again when one has gone', async () => {
  const { url } = await start({ HTTP_CONNECTIONS_MAXIMUM_COUNT: '10', SOCKETS_MAXIMUM_COUNT: '1' });
  const held = await Promise.all(Array.from({ length: 11 }, () => RawConnection.to(url)));
  await until(async () => (await connections()) === 11, 'all are open');
  await (await RawConnection.to(url)).closing();
  held[0]?.socket.destroy();
  await until(async () => (await connections()) === 10, 'one has gone');
  const served = (await RawConnection.to(url)).request(['GET /healthz HTTP/1.1', 'Host: localhost']);
  expect(await served.status()).toBe(200);
  for (const { socket } of [...held, served]) socket.destroy();
});

describe('a client that does not read', () => {
  const large = ['GET /large HTTP/1.1', 'Host: localhost'];

  test('is disconnected after RESPONSE_WRITE_TIMEOUT_MS, and its answer is let go', async () => {
    const { url } = await start({ RESPONSE_WRITE_TIMEOUT_MS: '400' });
    const connection = await RawConnection.to(url);
    connection.socket.pause();
    connection.request(large);
    await until(() => answering === 1, 'the request has come');
    await until(async () => (await connections()) === 0, 'disconnected');
    connection.socket.destroy();
  });

  test('is disconnected although it reads a little now and then', async () => {
    const { url } = await start({ RESPONSE_WRITE_TIMEOUT_MS: '400' });
    const connection = await RawConnection.to(url);
    connection.socket.pause().removeAllListeners('data');
    connection.request(large);
    const sip = setInterval(() => connection.socket.read(1_024), 20);
    await until(async () => answering === 1 && (await connections()) === 0, 'disconnected').finally(() => clearInterval(sip));
    connection.socket.destroy();
  });

  test('does not hold up a server that stops', async () => {
    const { url, stop } = await start({ RESPONSE_WRITE_TIMEOUT_MS: '600000', SOCKET_CLOSE_GRACE_MS: '400' });
    const connection = await RawConnection.to(url);
    connection.socket.pause();
    connection.request(large);
    await until(() => answering === 1, 'the request has come');
    await stop();
    connection.socket.destroy();
  });

  test('does not harm one that reads the same answer', async () => {
    const { url } = await start({ RESPONSE_WRITE_TIMEOUT_MS: '10000' });
    const idle = await RawConnection.to(url);
    idle.socket.pause();
    idle.request(large);
    const response = await fetch(`${url}/large`);
    expect((await response.arrayBuffer()).byteLength).toBe(LARGE.length);
    idle.socket.destroy();
  });

  test('has at most PIPELINED_REQUESTS_COUNT requests of one connection answered; the next is refused and ends it', async () => {
    const { url } = await start({ PIPELINED_REQUESTS_COUNT: '3', RESPONSE_WRITE_TIMEOUT_MS: '400' });
    const connection = await RawConnection.to(url);
    connection.socket.pause();
    // All in one piece: Node parses all of it before it looks at whether the client reads.
    connection.socket.write(`${large.join('\r\n')}\r\n\r\n`.repeat(100));
    await until(async () => (await connections()) === 0 && answering > 0, 'disconnected');
    expect(answering).toBe(3);
    connection.socket.destroy();
  });

  test('and one that pipelines and reads gets its answers in order, as many as it likes, a few at a time', async () => {
    const { url } = await start({ PIPELINED_REQUESTS_COUNT: '3' });
    const connection = await RawConnection.to(url);
    for (let round = 1; round <= 4; round++) {
      connection.socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(3));
      await until(() => connection.received.match(/"alive"/g)?.length === 3 * round, 'the answers');
    }
    connection.socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(4));
    await connection.closing();
    expect(connection.received.match(/HTTP\/1.1 \d+/g)?.slice(12)).toEqual([...Array(3).fill('HTTP/1.1 200'), 'HTTP/1.1 429']);
  });
});

describe('the guard of connections', () => {
  /** A connection as the guard sees it. */
  const socketOf = () => ({
    writableLength: 0,
    bytesWritten: 0,
    destroyed: false,
    once: () => undefined,
    destroy(this: { destroyed: boolean }) {
      this.destroyed = true;
    },
  });

  function guarded(settings: { responsesBufferedBytes?: number } = {}) {
    const listeners: ((socket: unknown) => void)[] = [];
    const server = { maxConnections: 0, on: (_event: string, listener: (socket: unknown) => void) => listeners.push(listener) };
    let nowMs = 0;
    const limits = {
      responseWriteTimeoutMs: 1_000,
      responsesBufferedBytes: 1_000_000,
      pipelinedRequestsCount: 1,
      connectionsMaximumCount: 7,
      ...settings,
    };
    const guard = new ConnectionGuard(server as never, limits, () => nowMs);
    guard.stop();
    return {
      server,
      open: () => {
        const socket = socketOf();
        for (const listener of listeners) listener(socket);
        return socket;
      },
      lookAfter: (ms: number) => {
        nowMs += ms;
        guard.look();
      },
    };
  }

  test('keeps a slow client as long as what was queued has been sent in time', () => {
    const { open, lookAfter } = guarded();
    const socket = open();
    for (let round = 1; round <= 50; round++) {
      Object.assign(socket, { bytesWritten: round * 100, writableLength: 100 });
      lookAfter(900);
    }
    expect(socket.destroyed).toBe(false);
    lookAfter(999);
    expect(socket.destroyed).toBe(false);
    lookAfter(1);
    expect(socket.destroyed).toBe(true);
  });

  test('closes a client that reads, but not all that waited within the time', () => {
    const { open, lookAfter } = guarded();
    const socket = open();
    Object.assign(socket, { bytesWritten: 1_000, writableLength: 1_000 });
    lookAfter(0);
    for (const waiting of [800, 600, 400]) {
      socket.writableLength = waiting;
      lookAfter(300);
    }
    expect(socket.destroyed).toBe(false);
    lookAfter(100);
    expect(socket.destroyed).toBe(true);
  });

  test('closes the fullest while all together hold more than they may', () => {
    const { open, lookAfter } = guarded({ responsesBufferedBytes: 1_000 });
    const sockets = [200, 0, 1_100, 400, 350].map((writableLength) =>
      Object.assign(open(), { writableLength, bytesWritten: writableLength }),
    );
    lookAfter(0);
    expect(sockets.map(({ destroyed }) => destroyed)).toEqual([false, false, true, false, false]);
  });
});
