import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Stripe from 'stripe';
import type { SandboxOptions } from '../src/options.js';
import { type Sandbox, startSandbox } from '../src/start-sandbox.js';

export const WEBHOOK_SECRET = 'whsec_sandbox_tests';

/** Something that takes webhooks as an application does: the signature is checked, the answer is the test's to choose. */
export interface Receiver {
  readonly url: string;
  readonly events: Stripe.Event[];
  readonly headers: string[];
  /** What it answers; 200 at first. */
  answerWith: number;
  types(): string[];
  stop(): Promise<void>;
}

export async function startReceiver(secret = WEBHOOK_SECRET): Promise<Receiver> {
  const checker = new Stripe('sk_test_unused');
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const signature = String(request.headers['stripe-signature']);
      const event = checker.webhooks.constructEvent(Buffer.concat(chunks), signature, secret);
      if (receiver.answerWith === 200) receiver.events.push(event);
      receiver.headers.push(signature);
      response.writeHead(receiver.answerWith).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks`,
    events: [],
    headers: [],
    answerWith: 200,
    types: () => receiver.events.map((event) => event.type),
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return receiver;
}

/** The real SDK, speaking to a sandbox. */
export function clientOf(sandbox: Sandbox, options: { key?: string; retries?: number } = {}): Stripe {
  return new Stripe(options.key ?? sandbox.secretKey, {
    host: '127.0.0.1',
    port: sandbox.port,
    protocol: 'http',
    maxNetworkRetries: options.retries ?? 0,
    telemetry: false,
  });
}

export interface Kit {
  sandbox: Sandbox;
  stripe: Stripe;
  receiver: Receiver;
  stop(): Promise<void>;
}

/** A sandbox with its client and a receiver of its webhooks. */
export async function startKit(options: Partial<SandboxOptions> = {}): Promise<Kit> {
  const receiver = await startReceiver();
  const sandbox = await startSandbox({
    port: 0,
    webhookUrl: receiver.url,
    webhookSecret: WEBHOOK_SECRET,
    stateFile: null,
    webhookRetryBaseMs: 5,
    webhookConcurrency: 1,
    ...options,
  });
  const stop = async () => {
    await sandbox.stop();
    await receiver.stop();
  };
  return { sandbox, stripe: clientOf(sandbox), receiver, stop };
}

/** A session for one film at this price, open and unpaid. */
export function openSession(stripe: Stripe, amount = 900, given: Partial<Stripe.Checkout.SessionCreateParams> = {}) {
  return stripe.checkout.sessions.create({
    mode: 'payment',
    success_url: 'http://127.0.0.1:9/thanks?session={CHECKOUT_SESSION_ID}',
    cancel_url: 'http://127.0.0.1:9/shop',
    line_items: [{ price_data: { currency: 'usd', unit_amount: amount, product_data: { name: 'Nosferatu' } }, quantity: 1 }],
    ...given,
  });
}

/** A session that has been paid by card, as the API answers it. */
export async function paidSession(kit: Kit, amount = 900, given: Partial<Stripe.Checkout.SessionCreateParams> = {}) {
  const session = await openSession(kit.stripe, amount, given);
  const paid = await postJson(kit.sandbox, `/sandbox/checkout/${session.id}/pay`, { card: '4242424242424242' });
  return { id: session.id, paymentIntent: String(paid.body.payment_intent) };
}

export async function postJson(sandbox: Sandbox, path: string, body: object = {}) {
  const response = await fetch(sandbox.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** The error a call ends in; fails when it does not. */
export async function failureOf(call: Promise<unknown>): Promise<Stripe.errors.StripeError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof Stripe.errors.StripeError) return error;
    throw error;
  }
  throw new Error('The call succeeded, though it should have failed');
}
