import type { IncomingHttpHeaders } from 'node:http';
import { type Context, context, propagation, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { FastifyInstance } from 'fastify';
import type { TracingConfig } from '../config/config.js';
import type { CallObserver } from '../stores/observe-calls.js';

/** Creates spans. Exists only if tracing is configured; otherwise none of this code runs. */
export interface Tracing extends CallObserver {
  /** Spans of HTTP requests, which continue the caller's trace (W3C `traceparent`). */
  serve(app: FastifyInstance): void;
  operation<Result>(name: string, kind: string, run: () => Promise<Result> | Result): Promise<Result>;
  job<Result>(name: string, run: () => Promise<Result>): Promise<Result>;
  /** The current trace, for log lines. */
  present(): { traceId?: string; spanId?: string };
  /** Flushes pending spans. */
  stop(): Promise<void>;
}

/**
 * Starts OpenTelemetry tracing, with spans sent as OTLP over HTTP. Null if it is not configured; the SDK is not loaded then.
 * https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
export async function openTracing(settings: TracingConfig | undefined): Promise<Tracing | null> {
  if (!settings) return null;
  const { startSdk } = await import('./tracing-sdk.js');
  const sdk = startSdk(settings);
  const tracer = trace.getTracer('boxoffice');

  const within = async <Result>(
    name: string,
    options: { kind?: SpanKind; attributes: Record<string, string> },
    run: (span: Span) => Promise<Result> | Result,
  ): Promise<Result> => {
    const span = tracer.startSpan(name, options);
    try {
      return await context.with(trace.setSpan(context.active(), span), () => run(span));
    } catch (error) {
      // Only the error's name: its message may contain a viewer's data.
      span.setAttribute('error.type', error instanceof Error ? error.name : 'unknown');
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  };

  return {
    serve: (app) => traceRequests(app),
    statement: (name, run) =>
      within(name, { kind: SpanKind.CLIENT, attributes: { 'db.system.name': 'postgresql', 'db.query.summary': name } }, run),
    stripe: ({ method, path }, run) => {
      const attributes = { 'http.request.method': method, 'url.template': path, 'peer.service': 'stripe' };
      return within(`${method} ${path}`, { kind: SpanKind.CLIENT, attributes }, async (span) => {
        const headers: Record<string, string> = {};
        propagation.inject(context.active(), headers);
        const answer = await run(headers);
        span.setAttribute('http.response.status_code', answer.getStatusCode());
        if (answer.getStatusCode() >= 400) span.setStatus({ code: SpanStatusCode.ERROR });
        return answer;
      });
    },
    operation: (name, kind, run) =>
      within(
        name === '' ? kind : `${kind} ${name}`,
        { attributes: { 'graphql.operation.type': kind, 'graphql.operation.name': name } },
        async (span) => {
          const result = await run();
          if ((result as { errors?: unknown }).errors) span.setStatus({ code: SpanStatusCode.ERROR });
          return result;
        },
      ),
    job: (name, run) => within(`job ${name}`, { attributes: { 'job.name': name } }, run),
    present() {
      const found = trace.getSpan(context.active())?.spanContext();
      return found ? { traceId: found.traceId, spanId: found.spanId } : {};
    },
    stop: () => sdk.stop(),
  };
}

/** Polled by machines: their spans would outnumber all others. */
const UNTRACED = new Set(['/healthz', '/readyz', '/metrics']);

function traceRequests(app: FastifyInstance): void {
  const tracer = trace.getTracer('boxoffice');
  const spans = new WeakMap<object, Span>();
  app.addHook('onRequest', (request, _reply, done) => {
    const route = request.routeOptions.url ?? 'unknown';
    if (UNTRACED.has(route)) return done();
    const caller: Context = propagation.extract<IncomingHttpHeaders>(ROOT_CONTEXT, request.headers);
    const attributes = { 'http.request.method': request.method, 'http.route': route, 'boxoffice.request_id': request.id };
    const span = tracer.startSpan(`${request.method} ${route}`, { kind: SpanKind.SERVER, attributes }, caller);
    spans.set(request, span);
    context.with(trace.setSpan(caller, span), done);
  });
  app.addHook('onResponse', (request, reply, done) => {
    const span = spans.get(request);
    span?.setAttribute('http.response.status_code', reply.statusCode);
    if (reply.statusCode >= 500) span?.setStatus({ code: SpanStatusCode.ERROR });
    span?.end();
    done();
  });
  app.addHook('onRequestAbort', (request, done) => {
    spans.get(request)?.setAttribute('error.type', 'aborted').end();
    done();
  });
}
