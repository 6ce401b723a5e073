import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { SessionBody } from './bodies.js';
import { checkoutPage, closedPage, missingPage } from './checkout-page.js';
import { decodeForm } from './form-body.js';
import { DELAYED_METHODS, type PaymentChoice, paySession } from './pay-session.js';
import { expireWhenDue } from './resources/checkout-sessions.js';
import { StripeFailure } from './stripe-error.js';
import type { World } from './world.js';

type SessionRequest = FastifyRequest<{ Params: { id: string }; Querystring: { card?: string } }>;

/** The hosted checkout page: plain HTML and forms. */
export function registerCheckout(server: FastifyInstance, world: World): void {
  server.get('/checkout/:id', (request: SessionRequest, reply) => {
    const session = currentSession(world, request.params.id);
    if (session === undefined) return sendPage(reply, 404, missingPage());
    if (session.status !== 'open') return sendPage(reply, 200, closedPage(world, session));
    return sendPage(reply, 200, checkoutPage(world, session, { card: request.query.card ?? '', problem: null }));
  });
  server.post('/checkout/:id', (request: SessionRequest, reply) => {
    const { id } = request.params;
    const session = currentSession(world, id);
    if (session === undefined) return sendPage(reply, 404, missingPage());
    if (session.status !== 'open') return sendPage(reply, 409, closedPage(world, session));
    const choice = choiceInForm(request.body);
    const { session: after, decline } = world.act(null, () => paySession(world, id, choice));
    if (decline === null) return reply.redirect(returnAddress(after), 303);
    const card = 'card' in choice ? choice.card.slice(0, 32) : '';
    // Status 200, because browsers log any other status of a page as an error.
    return sendPage(reply, 200, checkoutPage(world, after, { card, problem: decline.body.message }));
  });
}

/** Returns the session after expiring it if it is due; undefined if there is none with this id. */
function currentSession(world: World, id: string): SessionBody | undefined {
  const session = world.store.sessions.get(id);
  return session === undefined ? undefined : world.act(null, () => expireWhenDue(world, session));
}

function choiceInForm(body: unknown): PaymentChoice {
  const form = decodeForm(typeof body === 'string' ? body : '');
  const method = DELAYED_METHODS.find((delayed) => delayed === form.method);
  if (method) return { method };
  return { card: typeof form.card === 'string' ? form.card : '' };
}

/** The success URL with the session's id filled in. */
function returnAddress(session: SessionBody): string {
  return session.success_url.replaceAll('{CHECKOUT_SESSION_ID}', session.id);
}

/**
 * For tests and scripts: `POST /sandbox/checkout/<session id>/pay` with `{"card": "4242424242424242"}` or
 * `{"method": "delayed_success"}` does what the page does. A decline is HTTP 402 with Stripe's error body.
 */
export function registerPay(server: FastifyInstance, world: World): void {
  server.post('/sandbox/checkout/:id/pay', (request: SessionRequest, reply) => {
    const choice = choiceInJson(request.body);
    if (choice === null) {
      const message = `Send JSON: {"card": "4242424242424242"} or {"method": …} with one of ${DELAYED_METHODS.join(', ')}.`;
      throw new StripeFailure(400, { type: 'invalid_request_error', message }, false);
    }
    const { session, decline } = world.act(null, () => paySession(world, request.params.id, choice));
    if (decline !== null) return reply.code(402).send({ error: decline.body, status: session.status });
    return reply.send({
      id: session.id,
      status: session.status,
      payment_status: session.payment_status,
      payment_intent: session.payment_intent,
      redirect_url: returnAddress(session),
    });
  });
}

function choiceInJson(body: unknown): PaymentChoice | null {
  if (typeof body !== 'object' || body === null) return null;
  if ('card' in body && typeof body.card === 'string') return { card: body.card };
  const method = 'method' in body ? DELAYED_METHODS.find((delayed) => delayed === body.method) : undefined;
  return method ? { method } : null;
}

function sendPage(reply: FastifyReply, statusCode: number, html: string): FastifyReply {
  return reply
    .code(statusCode)
    .headers({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy':
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'",
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    })
    .send(html);
}
