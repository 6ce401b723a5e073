import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isDisputeReason } from './dispute-charge.js';
import { readFaultRule } from './fault-rules.js';
import { LATEST_TIME } from './limits.js';
import type { SandboxControl } from './sandbox-control.js';
import { invalidRequest, StripeFailure } from './stripe-error.js';

type IdRequest = FastifyRequest<{ Params: { id: string } }>;
type Fields = Record<string, unknown>;

/** `/sandbox/*`: controls for tests and scripts, beyond Stripe's API. JSON in, JSON out; no API key is needed. */
export function registerControl(server: FastifyInstance, control: SandboxControl): void {
  server.addHook('onRequest', async (request) => {
    if (request.url.startsWith('/sandbox/') && request.headers['sec-fetch-site'] === 'cross-site') {
      const message = 'Requests from other sites are not allowed.';
      throw new StripeFailure(403, { type: 'invalid_request_error', message }, false);
    }
  });
  server.get('/sandbox/state', () => control.state());
  server.post('/sandbox/reset', () => {
    control.reset();
    return control.state();
  });
  registerMoney(server, control);
  registerFaults(server, control);
  registerClock(server, control);
  registerWebhooks(server, control);
}

function registerMoney(server: FastifyInstance, control: SandboxControl): void {
  server.post('/sandbox/checkout/:id/settle', (request: IdRequest) => {
    const outcome = oneOf(fieldsOf(request), 'outcome', ['succeeded', 'failed']);
    return control.settle(request.params.id, outcome);
  });
  server.post('/sandbox/refunds/:id/succeed', (request: IdRequest) => control.succeedRefund(request.params.id));
  server.post('/sandbox/refunds/:id/fail', (request: IdRequest) =>
    control.failRefund(request.params.id, textIn(fieldsOf(request), 'failure_reason') ?? 'lost_or_stolen_card'),
  );
  server.post('/sandbox/dashboard/refunds', (request) => control.refundInDashboard(chargeAndAmount(fieldsOf(request))));
  server.post('/sandbox/disputes', (request) => {
    const fields = fieldsOf(request);
    const reason = textIn(fields, 'reason') ?? 'fraudulent';
    if (!isDisputeReason(reason)) throw invalidRequest(`"${reason}" is not a valid dispute reason.`, { param: 'reason' });
    const kind = fields.kind === undefined ? 'chargeback' : oneOf(fields, 'kind', ['chargeback', 'inquiry']);
    return control.openDispute({ ...chargeAndAmount(fields), reason, kind });
  });
  server.post('/sandbox/disputes/:id/escalate', (request: IdRequest) =>
    control.escalateDispute(request.params.id, wholeNumberIn(fieldsOf(request), 'amount', 1, 99_999_999)),
  );
  server.post('/sandbox/disputes/:id/close', (request: IdRequest) =>
    control.closeDispute(request.params.id, oneOf(fieldsOf(request), 'outcome', ['won', 'lost'])),
  );
}

function registerFaults(server: FastifyInstance, control: SandboxControl): void {
  server.get('/sandbox/faults', () => control.faults());
  server.delete('/sandbox/faults', () => {
    control.clearFaults();
    return control.faults();
  });
  // One rule, or {"seed": n, "rules": [...]}, which replaces all rules and restarts from the seed.
  server.post('/sandbox/faults', (request) => {
    const fields = fieldsOf(request);
    const given = 'rules' in fields || 'seed' in fields ? (fields.rules ?? []) : [fields];
    if (!Array.isArray(given)) throw invalidRequest('"rules" must be a list of fault rules.', { param: 'rules' });
    const rules = given.map((value: unknown) => {
      const rule = readFaultRule(value);
      if (typeof rule === 'string') throw invalidRequest(rule);
      return rule;
    });
    const seed = wholeNumberIn(fields, 'seed', 0, Number.MAX_SAFE_INTEGER);
    if (seed !== undefined) control.clearFaults(seed);
    for (const rule of rules) control.addFault(rule);
    return control.faults();
  });
}

function registerClock(server: FastifyInstance, control: SandboxControl): void {
  server.get('/sandbox/clock', () => ({ now: control.now().toISOString() }));
  server.post('/sandbox/clock', async (request) => {
    const fields = fieldsOf(request);
    const unknown = Object.keys(fields).find((name) => name !== 'advanceMs' && name !== 'to');
    if (unknown !== undefined) throw invalidRequest(`${SEND_ONE_MOVE} Unknown parameter: "${unknown}".`, { param: unknown });
    if ('advanceMs' in fields && 'to' in fields) throw invalidRequest(SEND_ONE_MOVE, { param: 'to' });
    const milliseconds = wholeNumberIn(fields, 'advanceMs', 0, LATEST_TIME.getTime());
    if (milliseconds !== undefined) return { now: (await control.advanceClock(milliseconds)).toISOString() };
    return { now: (await control.moveClockTo(instantIn(fields, 'to'))).toISOString() };
  });
}

const SEND_ONE_MOVE = 'Send {"advanceMs": 60000} or {"to": "2030-01-01T00:00:00Z"}.';
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/;

function instantIn(fields: Fields, name: string): Date {
  const text = textIn(fields, name);
  if (text === undefined) throw invalidRequest(SEND_ONE_MOVE, { param: name });
  const instant = new Date(INSTANT.test(text) ? text : Number.NaN);
  if (!Number.isNaN(instant.getTime())) return instant;
  throw invalidRequest(`"${name}" must be a timestamp with an offset, such as 2030-01-01T00:00:00Z.`, { param: name });
}

function registerWebhooks(server: FastifyInstance, control: SandboxControl): void {
  server.post('/sandbox/webhooks/flush', (request) =>
    control.flushWebhooks(wholeNumberIn(fieldsOf(request), 'timeoutMs', 1, 600_000)),
  );
  server.post('/sandbox/webhooks/resend', (request) => {
    const event = textIn(fieldsOf(request), 'event');
    if (event === undefined) throw invalidRequest('Send {"event": "evt_…"}.', { param: 'event' });
    control.resendEvent(event);
    return { event };
  });
}

function fieldsOf(request: FastifyRequest): Fields {
  const { body } = request;
  if (body === undefined || body === null) return {};
  if (typeof body === 'object' && !Array.isArray(body)) return body as Fields;
  throw invalidRequest('Send a JSON object.');
}

function textIn(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  if (value === undefined || typeof value === 'string') return value;
  throw invalidRequest(`"${name}" must be a string.`, { param: name });
}

function wholeNumberIn(fields: Fields, name: string, minimum: number, maximum: number): number | undefined {
  const value = fields[name];
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= minimum && value <= maximum) return value;
  throw invalidRequest(`"${name}" must be an integer between ${minimum} and ${maximum}.`, { param: name });
}

function oneOf<const T extends string>(fields: Fields, name: string, allowed: readonly T[]): T {
  const chosen = allowed.find((candidate) => candidate === fields[name]);
  if (chosen === undefined) throw invalidRequest(`"${name}" must be one of ${allowed.join(', ')}.`, { param: name });
  return chosen;
}

function chargeAndAmount(fields: Fields): { paymentIntent?: string; charge?: string; amount?: number } {
  const paymentIntent = textIn(fields, 'payment_intent');
  const charge = textIn(fields, 'charge');
  const amount = wholeNumberIn(fields, 'amount', 1, 99_999_999);
  return {
    ...(paymentIntent === undefined ? {} : { paymentIntent }),
    ...(charge === undefined ? {} : { charge }),
    ...(amount === undefined ? {} : { amount }),
  };
}
