import { type DestinationStream, type Logger, pino } from 'pino';
import type { ObservationConfig } from '../config/config.js';
import { createRedactor, type Redactor } from '../runtime/redact.js';
import { errorFields } from './error-fields.js';

/** Paths of logged fields that may contain secrets. */
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

export interface LoggerOptions {
  /** Returns the current trace. */
  readonly tracing?: { present(): object } | null;
  /** Removes secrets from a line. Default: whatever looks like a secret. */
  readonly redact?: Redactor;
  /** Default: standard output. */
  readonly destination?: DestinationStream;
}

/** Structured logs (one JSON object per line), with secrets redacted, by field name and inside any text. */
export function createLogger(
  settings: Pick<ObservationConfig, 'logLevel'>,
  { tracing, redact = createRedactor(), destination }: LoggerOptions = {},
): Logger {
  const options = {
    level: settings.logLevel,
    base: undefined,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    // The current trace, in addition to the request id.
    ...(tracing && { mixin: () => tracing.present() }),
    serializers: { err: errorFields },
    redact: { paths: SECRETS, censor: '[redacted]' },
    hooks: { streamWrite: redact },
  };
  return destination ? pino(options, destination) : pino(options);
}
