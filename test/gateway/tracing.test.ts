import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import Fastify from 'fastify';
import { observeCalls } from '../../src/observability/call-metrics.js';
import { createLogger } from '../../src/observability/logging.js';
import { createMetrics } from '../../src/observability/metrics.js';
import { openTracing, type Tracing } from '../../src/observability/tracing.js';
import { openStripe } from '../../src/stores/stripe.js';

/** A collector that keeps the bytes it is sent: they contain names as text and trace ids as raw bytes. */
class Collector {
  private readonly bodies: Buffer[] = [];
  readonly server: Server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const body = Buffer.concat(parts);
      if (request.url === '/v1/traces') this.bodies.push(request.headers['content-encoding'] ? gunzipSync(body) : body);
      response.end();
    });
  });

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  get received(): Buffer {
    return Buffer.concat(this.bodies);
  }

  countOf(bytes: Buffer): number {
    let count = 0;
    for (let at = this.received.indexOf(bytes); at >= 0; at = this.received.indexOf(bytes, at + 1)) count++;
    return count;
  }
}

let collector: Collector;
let tracing: Tracing;
beforeEach(async () => {
  collector = new Collector();
  const endpoint = await collector.listen();
  tracing = (await openTracing({ endpoint, headers: undefined, serviceName: 'boxoffice-test', sampledPart: 1 })) as Tracing;
});
afterEach(async () => {
  await tracing.stop();
  await new Promise((resolve) => collector.server.close(resolve));
});

describe('tracing', () => {
  test('is not there when it is not configured', async () => {
    expect(await openTracing(undefined)).toBeNull();
  });

  test("a request's spans, down to its statements, calls and log lines, continue the caller's trace", async () => {
    const traceId = randomBytes(16);
    let seenByStripe: string | undefined;
    const stripeServer = createServer((request, response) => {
      seenByStripe = request.headers.traceparent as string;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ id: 're_1A', object: 'refund' }));
    });
    await new Promise<void>((resolve) => stripeServer.listen(0, '127.0.0.1', resolve));
    const apiUrl = `http://127.0.0.1:${(stripeServer.address() as AddressInfo).port}`;
    const observer = observeCalls(createMetrics(), tracing);
    const stripe = openStripe({ secretKey: 'sk_test_x', apiUrl, timeoutMs: 1_000, attemptsCount: 1, observer });
    const lines: string[] = [];
    const logger = createLogger(
      { logLevel: 'info' },
      { tracing, destination: { write: (line: string) => void lines.push(line) } },
    );
    const app = Fastify();
    tracing.serve(app);
    app.get('/films/:id', () =>
      tracing.operation('Films', 'query', async () => {
        logger.info('inside');
        await observer.statement('films-by-ids', async () => []);
        await stripe.refunds.retrieve('re_1A');
        return {};
      }),
    );
    await app.inject({
      url: '/films/7',
      headers: { traceparent: `00-${traceId.toString('hex')}-${randomBytes(8).toString('hex')}-01` },
    });
    await app.close();
    await new Promise((resolve) => stripeServer.close(resolve));
    await tracing.stop();
    expect(seenByStripe?.split('-')[1]).toBe(traceId.toString('hex'));
    expect(JSON.parse(lines[0] ?? '{}')).toMatchObject({ traceId: traceId.toString('hex') });
    // The server, the operation, the statement, and the call to Stripe.
    expect(collector.countOf(traceId)).toBe(4);
    for (const name of ['boxoffice-test', 'GET /films/:id', 'query Films', 'films-by-ids', 'GET /v1/refunds/:id']) {
      expect(collector.received.includes(name)).toBe(true);
    }
  });

  test('a job that fails gives a span with the kind of its error, and not its text', async () => {
    const failing = tracing.job('reconcile', async () => {
      throw new RangeError('card 4242');
    });
    await expect(failing).rejects.toThrow('card 4242');
    await tracing.stop();
    expect(collector.received.includes('job reconcile')).toBe(true);
    expect(collector.received.includes('RangeError')).toBe(true);
    expect(collector.received.includes('4242')).toBe(false);
  });

  test('a collector that is away disturbs nothing', async () => {
    await tracing.stop();
    const lonely = (await openTracing({
      endpoint: 'http://127.0.0.1:9',
      headers: undefined,
      serviceName: 'boxoffice-test',
      sampledPart: 1,
    })) as Tracing;
    expect(await lonely.statement('films', async () => 7)).toBe(7);
    await lonely.stop();
  });
});
