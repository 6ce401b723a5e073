import type { MovableTimeSource, TimeSource } from './sandbox-clock.js';

/** Where the sandbox reports what it does; pino fits. Never given a key, a secret or a card number. */
export interface SandboxLogger {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
}

export interface SandboxOptions {
  /** The port to listen on; 0 takes a free one. */
  port: number;
  /** The address to listen on; 127.0.0.1 by default. */
  host?: string;
  /** Where people reach the checkout page, when that is not `http://host:port`. */
  publicUrl?: string;
  /** Names, beside the loopback's and those of `host` and `publicUrl`, that a request's Host may have; others are refused. */
  allowedHosts?: readonly string[];
  /** The time; the machine's by default. One that cannot be moved itself is the base of the sandbox's own clock. */
  clock?: TimeSource | MovableTimeSource;
  /** The time by which webhooks are signed, which their receiver compares with its own; the machine's by default. */
  signatureClock?: TimeSource;
  /** Called after a move of the clock, once all that became due here has been sent. The move's answer waits for it. */
  onClockMoved?: (from: Date, to: Date) => Promise<void>;
  /** The only API key that is taken; `sk_test_sandbox` by default. */
  secretKey?: string;
  /** Where events are sent; null sends none (see `Sandbox.setWebhookUrl`). */
  webhookUrl: string | null;
  /** One secret, or several during a rotation: each event is signed with all of them. */
  webhookSecret: string | readonly string[];
  /** Where the state is kept between starts; null keeps it in memory only. */
  stateFile: string | null;
  logger?: SandboxLogger;
  /** The seed of the made-up faults; 1 by default. */
  seed?: number;
  /** The wait before a webhook's second attempt, doubled with each further one; 1,000 ms by default. */
  webhookRetryBaseMs?: number;
  /** The longest wait between two attempts; 60,000 ms by default. */
  webhookRetryMaximumMs?: number;
  /** Attempts before a delivery is given up; 20 by default. */
  webhookAttemptsMaximum?: number;
  /** How long one attempt may take; 10,000 ms by default. */
  webhookTimeoutMs?: number;
  /** Attempts under way at a time; 8 by default. With 1 each event waits until the one before has been taken. */
  webhookConcurrency?: number;
  /** After how many seconds of the sandbox's clock a delayed payment is settled; 10 by default. */
  delayedPaymentSeconds?: number;
}

export type SandboxSettings = Required<
  Omit<SandboxOptions, 'webhookSecret' | 'webhookUrl' | 'logger' | 'publicUrl' | 'allowedHosts' | 'port' | 'onClockMoved'>
> & {
  webhookSecrets: readonly string[];
};

const machineClock: TimeSource = { now: () => new Date() };
const silent: SandboxLogger = { info: () => undefined, warn: () => undefined };

/** The options with their defaults. Throws on what cannot work. */
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
