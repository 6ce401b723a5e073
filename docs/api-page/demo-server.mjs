import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';

const DEADLINE_MS = 30_000;

/** The server that the page's operations run against, with a token for each role. */
export class DemoServer {
  static async at(base) {
    const server = new DemoServer();
    server.base = base;
    server.tokens = Object.fromEntries((await server.get('/playground/tokens')).map(({ name, token }) => [name, token]));
    // The last demo viewer: readers try things out with the first one.
    server.tokens.viewer = (await server.get('/demo/viewers')).at(-1).token;
    return server;
  }

  async get(address) {
    const response = await fetch(`${this.base}${address}`);
    if (!response.ok) throw new Error(`${address} returned ${response.status}`);
    return response.json();
  }

  /** The whole response, including errors. */
  async answer(role, query, variables) {
    const response = await fetch(`${this.base}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(role && { authorization: `Bearer ${this.tokens[role]}` }) },
      body: JSON.stringify({ query, variables }),
    });
    return response.json();
  }

  /** The data. Throws if there are errors. */
  async ask(role, query, variables) {
    const answer = await this.answer(role, query, variables);
    if (answer.errors) throw new Error(`${query}\n${JSON.stringify(answer.errors)}`);
    return answer.data;
  }

  /** The first item of a live operation. */
  async firstOf(role, query) {
    const socket = createClient({
      url: `${this.base.replace(/^http/, 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { token: this.tokens[role] },
    });
    for await (const item of socket.iterate({ query })) {
      await socket.dispose();
      return item;
    }
    throw new Error(`${query}\nended without an item`);
  }

  /** Waits until nothing is in progress: background work has reached Stripe, and every event has arrived and was processed. */
  async settled() {
    const query = '{ stripeEvents(first: 100) { nodes { id status } } subscriptions { nodes { stripeSync { status } } } }';
    let before = '';
    await this.until(async () => {
      const now = JSON.stringify(await this.ask('admin', query));
      const same = now === before && !/"RECEIVED"|"PENDING"/.test(now);
      before = now;
      return same;
    }, 'nothing to be in progress');
  }

  async until(holds, what) {
    for (const deadline = Date.now() + DEADLINE_MS; !(await holds()); await new Promise((resolve) => setTimeout(resolve, 300)))
      if (Date.now() > deadline) throw new Error(`Waited in vain for ${what}.`);
  }

  /** Pays as a viewer does on the sandbox's checkout page. */
  async pay(orderId) {
    const { order } = await this.ask('viewer', 'query Url($id: ID!) { order(id: $id) { checkoutUrl } }', { id: orderId });
    const { origin, pathname } = new URL(order.checkoutUrl);
    const response = await fetch(`${origin}/sandbox/checkout/${pathname.split('/').at(-1)}/pay`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ card: '4242424242424242' }),
    });
    if (!response.ok) throw new Error(`The sandbox returned ${response.status}: ${await response.text()}`);
  }
}
