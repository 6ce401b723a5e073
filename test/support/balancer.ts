import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Headers of one connection, which a proxy does not hand on: https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1 */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding']);

interface Node {
  readonly url: string;
  readonly agent: Agent;
  ready: boolean;
  /** Requests that it was given. */
  requests: number;
}

/**
 * A load balancer as simple as they come: it asks each node's /readyz again and again, gives requests in turn to those that
 * said 200, keeps connections to them open, and never sends a request twice.
 */
export class Balancer {
  private readonly server: Server = createServer((incoming, outgoing) => this.pass(incoming, outgoing));
  private readonly nodes: Node[];
  private probing: NodeJS.Timeout | undefined;
  private turn = 0;

  constructor(urls: readonly string[]) {
    this.nodes = urls.map((url) => ({ url, agent: new Agent({ keepAlive: true }), ready: false, requests: 0 }));
  }

  async start(probeIntervalMs: number): Promise<string> {
    await this.probe();
    this.probing = setInterval(() => void this.probe(), probeIntervalMs);
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  requestsOf(index: number): number {
    return this.nodes[index]?.requests ?? 0;
  }

  async stop(): Promise<void> {
    clearInterval(this.probing);
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
    for (const { agent } of this.nodes) agent.destroy();
  }

  private async probe(): Promise<void> {
    await Promise.all(
      this.nodes.map(async (node) => {
        const response = await fetch(`${node.url}/readyz`).catch(() => null);
        await response?.text().catch(() => undefined);
        node.ready = response?.status === 200;
      }),
    );
  }

  private pass(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const ready = this.nodes.filter((node) => node.ready);
    const node = ready[this.turn++ % ready.length];
    if (!node) {
      outgoing.writeHead(502).end('no node is ready');
      return;
    }
    node.requests++;
    const { method, url, headers } = incoming;
    const sent = request(`${node.url}${url}`, { method, headers: withoutHop(headers), agent: node.agent }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, withoutHop(answer.headers));
      answer.pipe(outgoing);
    });
    sent.on('error', (error) => outgoing.writeHead(502).end(`${node.url}: ${error.message}`));
    incoming.pipe(sent);
  }
}

const withoutHop = (headers: IncomingMessage['headers']) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name)));
