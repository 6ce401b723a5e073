import { type DestinationStream, type Logger, pino } from 'pino';
import type { ObservationConfig } from '../config.js';

/** Where secrets could stand in what is logged. */
const SECRETS = [
  'authorization',
  'cookie',
  'token',
  'secret',
  'password',
  'secretKey',
  'webhookSecrets',
  'checkoutUrl',
  'headers.authorization',
  'headers.cookie',
  'headers["stripe-signature"]',
  'req.headers.authorization',
  'req.headers.cookie',
  'connectionString',
  '*.authorization',
  '*.token',
  '*.secret',
  '*.password',
  '*.secretKey',
  '*.connectionString',
];

/** Structured logs (one JSON object a line) on standard output, with secrets left out. */
export function createLogger(
  settings: Pick<ObservationConfig, 'logLevel'>,
  tracing: { present(): object } | null = null,
  destination?: DestinationStream,
): Logger {
  const options = {
    level: settings.logLevel,
    base: undefined,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    // The trace at hand, beside the request's id.
    ...(tracing && { mixin: () => tracing.present() }),
    redact: { paths: SECRETS, censor: '[left out]' },
  };
  return destination ? pino(options, destination) : pino(options);
}
