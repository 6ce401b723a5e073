import { type DestinationStream, type Logger, pino } from 'pino';
import type { ObservationConfig } from '../config/config.js';
import { createRedactor, type Redactor } from '../runtime/redact.js';

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

export interface LoggerOptions {
  /** Gives the trace at hand. */
  readonly tracing?: { present(): object } | null;
  /** Takes secrets out of a line; without, what looks like one. */
  readonly censor?: Redactor;
  /** Standard output, unless said otherwise. */
  readonly destination?: DestinationStream;
}

/** Structured logs (one JSON object a line), with secrets left out: by the name of their field, and inside any text. */
export function createLogger(
  settings: Pick<ObservationConfig, 'logLevel'>,
  { tracing, censor = createRedactor(), destination }: LoggerOptions = {},
): Logger {
  const options = {
    level: settings.logLevel,
    base: undefined,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    // The trace at hand, beside the request's id.
    ...(tracing && { mixin: () => tracing.present() }),
    redact: { paths: SECRETS, censor: '[left out]' },
    hooks: { streamWrite: censor },
  };
  return destination ? pino(options, destination) : pino(options);
}
