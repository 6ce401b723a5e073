import type { MovableTimeSource, TimeSource } from './sandbox-clock.js';

/** A logger, such as pino. Keys, secrets and card numbers are never logged. */
export interface SandboxLogger {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
}

export interface SandboxOptions {
  /** The port to listen on; 0 selects a free one. */
  port: number;
  /** The address to listen on. Default: 127.0.0.1. */
  host?: string;
  /** The base URL of the checkout page, if it is not `http://host:port`. */
  publicUrl?: string;
  /** Allowed names in a request's Host, in addition to loopback names, `host` and `publicUrl`; others are rejected. */
  allowedHosts?: readonly string[];
  /** The clock. Default: the machine's. A clock that cannot be moved is the base of the sandbox's own clock, which can. */
  clock?: TimeSource | MovableTimeSource;
  /** The clock for webhook signatures, whose age the receiver checks. Default: the machine's. */
  signatureClock?: TimeSource;
  /** Called after the clock has moved, once everything that became due has been sent. The response waits for it. */
  onClockMoved?: (from: Date, to: Date) => Promise<void>;
  /** The only accepted API key. Default: `sk_test_sandbox`. */
  secretKey?: string;
  /** Where events are sent; null disables webhooks (see `Sandbox.setWebhookUrl`). */
  webhookUrl: string | null;
  /** One secret, or several during a rotation: each event is signed with all of them. */
  webhookSecret: string | readonly string[];
  /** The file that keeps the state between starts; null keeps it in memory only. */
  stateFile: string | null;
  logger?: SandboxLogger;
  /** The seed of random faults. Default: 1. */
  seed?: number;
  /** The delay before a webhook's second attempt, doubled with each further one. Default: 1,000 ms. */
  webhookRetryBaseMs?: number;
  /** The maximum delay between two attempts. Default: 60,000 ms. */
  webhookRetryMaximumMs?: number;
  /** Attempts before a delivery is abandoned. Default: 20. */
  webhookAttemptsMaximum?: number;
  /** The timeout of one attempt. Default: 10,000 ms. */
  webhookTimeoutMs?: number;
  /** Concurrent attempts. Default: 8. With 1, each event waits until the previous one has been accepted. */
  webhookConcurrency?: number;
  /** Seconds of the sandbox's clock after which a delayed payment is settled. Default: 10. */
  delayedPaymentSeconds?: number;
}

export type SandboxSettings = Required<
  Omit<SandboxOptions, 'webhookSecret' | 'webhookUrl' | 'logger' | 'publicUrl' | 'allowedHosts' | 'port' | 'onClockMoved'>
> & {
  webhookSecrets: readonly string[];
};

const machineClock: TimeSource = { now: () => new Date() };
const silent: SandboxLogger = { info: () => undefined, warn: () => undefined };

/** Returns the options with their defaults. @throws Error for options that cannot work */
export function settingsFrom(options: SandboxOptions): SandboxSettings & { logger: SandboxLogger } {
  const webhookSecrets = typeof options.webhookSecret === 'string' ? [options.webhookSecret] : [...options.webhookSecret];
  if (webhookSecrets.length === 0 || webhookSecrets.includes('')) {
    throw new Error('The sandbox needs a webhook secret that is not empty');
  }
  return {
    host: options.host ?? '127.0.0.1',
    clock: options.clock ?? machineClock,
    signatureClock: options.signatureClock ?? machineClock,
    secretKey: options.secretKey ?? 'sk_test_sandbox',
    webhookSecrets,
    stateFile: options.stateFile,
    logger: options.logger ?? silent,
    seed: options.seed ?? 1,
    webhookRetryBaseMs: options.webhookRetryBaseMs ?? 1_000,
    webhookRetryMaximumMs: options.webhookRetryMaximumMs ?? 60_000,
    webhookAttemptsMaximum: options.webhookAttemptsMaximum ?? 20,
    webhookTimeoutMs: options.webhookTimeoutMs ?? 10_000,
    webhookConcurrency: options.webhookConcurrency ?? 8,
    delayedPaymentSeconds: options.delayedPaymentSeconds ?? 10,
  };
}
