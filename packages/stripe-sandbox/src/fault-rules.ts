/** The faults that the sandbox can simulate. */
const FAULT_KINDS = [
  // API responses. `error_500` does no work first; with `saved`, it is also stored as the response to the idempotency key.
  'error_400',
  'error_429',
  'error_500',
  'error_500_after_work',
  'timeout_before_work',
  'timeout_after_work',
  'slow',
  // Webhooks.
  'webhook_duplicate',
  'webhook_reorder',
  'webhook_delay',
  'webhook_drop',
  // Delayed money.
  'refund_pending',
  'refund_fails_later',
  'hold_delayed_payments',
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

/** A rule. It applies with its probability on each occasion, until it has applied `count` times. */
export interface FaultRule {
  kind: FaultKind;
  /** For API responses: the SDK's name of the call, such as `refunds.create`; defaults to all calls. */
  operation?: string;
  /** For webhooks: the event type; defaults to all types. */
  eventType?: string;
  /** From 0 to 1; defaults to 1. */
  probability?: number;
  /** The maximum number of times it applies; defaults to unlimited. */
  count?: number;
  /** For `webhook_delay`, `webhook_reorder` (the maximum delay) and `slow`. */
  delayMs?: number;
  /** For `refund_fails_later`, in seconds of the sandbox's clock. */
  afterSeconds?: number;
  /** For `error_500`: store it as the response to the idempotency key, as Stripe does if work had started. */
  saved?: boolean;
}

/** A rule with the number of times it has applied. */
export type FaultRuleState = FaultRule & { held: number };

interface Limit {
  readonly name: keyof FaultRule;
  readonly minimum: number;
  readonly maximum: number;
  readonly whole: boolean;
}

const NUMBERS: readonly Limit[] = [
  { name: 'probability', minimum: 0, maximum: 1, whole: false },
  { name: 'count', minimum: 1, maximum: 1_000_000, whole: true },
  { name: 'delayMs', minimum: 0, maximum: 600_000, whole: true },
  { name: 'afterSeconds', minimum: 0, maximum: 90 * 24 * 60 * 60, whole: true },
];
const TEXTS = ['operation', 'eventType'] as const;
const NAMES = new Set<string>(['kind', 'saved', ...TEXTS, ...NUMBERS.map((limit) => limit.name)]);

/** Returns the rule in a JSON value, or an error message. */
export function readFaultRule(value: unknown): FaultRule | string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'A fault rule is an object with a "kind".';
  const given = value as Record<string, unknown>;
  const kind = FAULT_KINDS.find((candidate) => candidate === given.kind);
  if (kind === undefined) return `"kind" must be one of ${FAULT_KINDS.join(', ')}.`;
  const unknown = Object.keys(given).find((name) => !NAMES.has(name));
  if (unknown !== undefined) return `"${unknown}" is not part of a fault rule.`;
  for (const { name, minimum, maximum, whole } of NUMBERS) {
    const number = given[name];
    if (number === undefined) continue;
    const fits = typeof number === 'number' && number >= minimum && number <= maximum && (!whole || Number.isInteger(number));
    if (!fits) return `"${name}" must be ${whole ? 'a whole number' : 'a number'} from ${minimum} to ${maximum}.`;
  }
  for (const name of TEXTS) {
    if (given[name] !== undefined && typeof given[name] !== 'string') return `"${name}" must be text.`;
  }
  if (given.saved !== undefined && typeof given.saved !== 'boolean') return '"saved" must be true or false.';
  return { ...given, kind };
}
