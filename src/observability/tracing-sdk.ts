import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { parseKeyPairsIntoRecord, W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, ParentBasedSampler, TraceIdRatioBasedSampler, TracerProvider } from '@opentelemetry/sdk-trace';
import type { TracingConfig } from '../config/config.js';
import { withTimeout } from '../runtime/concurrency.js';

/** How long sending the last spans may take when the process stops. */
const STOP_TIMEOUT_MS = 1_500;

/** Starts OpenTelemetry. Spans are sent in batches; if the collector is unavailable, spans are lost and nothing else happens. */
export function startSdk(settings: TracingConfig): { stop(): Promise<void> } {
  const exporter = new OTLPTraceExporter({
    url: `${settings.endpoint}/v1/traces`,
    headers: parseKeyPairsIntoRecord(settings.headers ?? ''),
  });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': settings.serviceName }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(settings.sampledPart) }),
    spanProcessors: [new BatchSpanProcessor({ exporter })],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(provider);
  return {
    async stop() {
      const sent = provider.shutdown().catch(() => undefined);
      await withTimeout(STOP_TIMEOUT_MS, sent, () => undefined);
      for (const api of [context, propagation, trace]) api.disable();
    },
  };
}
