import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { API_VERSION } from './bodies.js';
import { expandBody } from './expansion.js';
import type { FaultRule } from './fault-rules.js';
import { decodeForm, type FormObject } from './form-body.js';
import { hashRequest, IdempotencyKeys } from './idempotency.js';
import { newIdentifier } from './identifiers.js';
import type { Operation } from './operation.js';
import { includedOnRequest, operations } from './operations.js';
import { listOf, text } from './parameters.js';
import { invalidRequest, rateLimited, StripeFailure, serverError, unknownAddress, wrongKey } from './stripe-error.js';
import type { World } from './world.js';

interface Answer {
  statusCode: number;
  text: string;
  headers?: Readonly<Record<string, string>>;
}

const readExpand = listOf(text(), { maximum: 20 });
const DEFAULT_SLOWNESS_MS = 500;

/** Serves Stripe's API under /v1. */
export function registerApi(server: FastifyInstance, world: World): void {
  const keys = new IdempotencyKeys(world);
  for (const operation of operations) {
    server.route({
      method: operation.method,
      url: operation.path,
      handler: (request, reply) => answerRequest({ world, keys, operation, request, reply }),
    });
  }
  server.all('/v1/*', async (request, reply) => {
    prepareReply(request, reply);
    const failure = authenticationFailure(world, request) ?? unknownAddress(request.method, request.url.split('?')[0] ?? '');
    return sendAnswer(reply, failureAnswer(failure));
  });
}

interface Exchange {
  readonly world: World;
  readonly keys: IdempotencyKeys;
  readonly operation: Operation;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

async function answerRequest(exchange: Exchange): Promise<FastifyReply> {
  const { world, operation, request, reply } = exchange;
  const requestId = prepareReply(request, reply);
  const failure = authenticationFailure(world, request);
  if (failure !== null) return sendAnswer(reply, failureAnswer(failure));
  const early = world.faults.take(['error_400', 'error_429', 'timeout_before_work', 'slow'], { operation: operation.name });
  if (early?.kind === 'error_400')
    return sendAnswer(reply, failureAnswer(invalidRequest('This request was refused by a fault rule of the sandbox.')));
  if (early?.kind === 'error_429') return sendAnswer(reply, failureAnswer(rateLimited()));
  if (early?.kind === 'timeout_before_work') return hangUp(reply);
  const late = world.faults.take(['error_500', 'error_500_after_work', 'timeout_after_work'], { operation: operation.name });
  const key = operation.method === 'POST' ? headerText(request, 'idempotency-key') : null;
  if (late?.kind === 'error_500' && (late.saved !== true || key === null)) {
    return sendAnswer(reply, failureAnswer(serverError(false)));
  }
  const slownessMs = early === null ? 0 : (early.delayMs ?? DEFAULT_SLOWNESS_MS);
  const answer = await answerOnce(exchange, { requestId, key, slownessMs, fault: late });
  return late?.kind === 'timeout_after_work' ? hangUp(reply) : sendAnswer(reply, answer);
}

interface Attempt {
  readonly requestId: string;
  readonly key: string | null;
  readonly slownessMs: number;
  readonly fault: FaultRule | null;
}

/** Returns the response stored for the idempotency key, or executes the operation now. */
async function answerOnce(exchange: Exchange, attempt: Attempt): Promise<Answer> {
  const { keys, operation, request } = exchange;
  const path = request.url.split('?')[0] ?? '';
  const encoded = operation.method === 'GET' ? request.url.slice(path.length + 1) : bodyText(request.body);
  const { key } = attempt;
  if (key === null) {
    await pause(attempt.slownessMs);
    return work(exchange, attempt, { path, encoded, requestHash: '' });
  }
  const requestHash = hashRequest(operation.method, path, encoded);
  try {
    const kept = keys.claim(key, requestHash);
    if (kept !== null) {
      return { statusCode: kept.statusCode, text: kept.text, headers: { 'Idempotent-Replayed': 'true' } };
    }
  } catch (error) {
    return failureAnswer(error);
  }
  try {
    await pause(attempt.slownessMs);
    return work(exchange, attempt, { path, encoded, requestHash });
  } finally {
    keys.release(key);
  }
}

/** Checks the parameters, executes the operation and stores the response, in one transaction. */
function work(exchange: Exchange, attempt: Attempt, asked: { path: string; encoded: string; requestHash: string }): Answer {
  const { world, keys, operation, request } = exchange;
  const { key } = attempt;
  const keep = (answer: Answer) => {
    if (key !== null) keys.keep(key, { requestHash: asked.requestHash, statusCode: answer.statusCode, text: answer.text });
    return answer;
  };
  const origin = operation.method === 'GET' ? null : { requestId: attempt.requestId, idempotencyKey: key };
  const id = (request.params as { id?: string }).id ?? '';
  try {
    const form = decodeForm(asked.encoded);
    const expand = takeExpand(form);
    const run = operation.prepare({ world, id, path: asked.path, form });
    return world.act(origin, () => {
      if (attempt.fault?.kind === 'error_500') return keep(failureAnswer(serverError(true)));
      const body = expandBody(run(), expand, world, (owner, name) => includedOnRequest(world, owner, name));
      if (attempt.fault?.kind === 'error_500_after_work') return keep(failureAnswer(serverError(true)));
      return keep({ statusCode: 200, text: JSON.stringify(body) });
    });
  } catch (error) {
    const answer = failureAnswer(error);
    if (error instanceof StripeFailure && error.executed && key !== null) world.act(origin, () => keep(answer));
    return answer;
  }
}

function takeExpand(form: FormObject): string[] {
  const expand = readExpand(form.expand, 'expand') ?? [];
  delete form.expand;
  return expand;
}

function failureAnswer(error: unknown): Answer {
  if (!(error instanceof StripeFailure)) throw error;
  return { statusCode: error.statusCode, text: JSON.stringify({ error: error.body }), headers: error.headers };
}

function prepareReply(request: FastifyRequest, reply: FastifyReply): string {
  const requestId = newIdentifier('req');
  reply.header('Request-Id', requestId).header('Stripe-Version', headerText(request, 'stripe-version') ?? API_VERSION);
  const key = headerText(request, 'idempotency-key');
  if (key !== null) reply.header('Idempotency-Key', key);
  return requestId;
}

function sendAnswer(reply: FastifyReply, answer: Answer): FastifyReply {
  return reply
    .code(answer.statusCode)
    .headers({ ...answer.headers })
    .type('application/json')
    .send(answer.text);
}

/** Closes the connection without a response. */
function hangUp(reply: FastifyReply): FastifyReply {
  reply.hijack();
  reply.raw.socket?.destroy();
  return reply;
}

function authenticationFailure(world: World, request: FastifyRequest): StripeFailure | null {
  const given = /^Bearer +(\S+)$/i.exec(headerText(request, 'authorization') ?? '')?.[1] ?? null;
  return given === world.settings.secretKey ? null : wrongKey(given);
}

function headerText(request: FastifyRequest, name: string): string | null {
  const value = request.headers[name];
  return typeof value === 'string' && value !== '' ? value : null;
}

function bodyText(body: unknown): string {
  return typeof body === 'string' ? body : '';
}

function pause(milliseconds: number): Promise<void> {
  return milliseconds === 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, milliseconds));
}
