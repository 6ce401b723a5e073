/** What the sandbox can be told to do wrong. */
const FAULT_KINDS = [
  // Answers of the API. `error_500` does nothing first; with `saved` it also becomes the answer to its idempotency key.
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
  // Money that takes its time.
  'refund_pending',
  'refund_fails_later',
  'hold_delayed_payments',
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

/** One rule. It holds for each occasion with its probability, until it has held `count` times. */
export interface FaultRule {
  kind: FaultKind;
  /** For answers of the API: the SDK's name of the call, such as `refunds.create`; all calls when left out. */
  operation?: string;
  /** For webhooks: the event's type; all types when left out. */
  eventType?: string;
  /** From 0 to 1; 1 when left out. */
  probability?: number;
  /** How often at most; without end when left out. */
  count?: number;
  /** For `webhook_delay`, `webhook_reorder` (at most this long) and `slow`. */
  delayMs?: number;
  /** For `refund_fails_later`, by the sandbox's clock. */
  afterSeconds?: number;
  /** For `error_500`: kept as the answer to the idempotency key, as Stripe does when the work had begun. */
  saved?: boolean;
}

/** A rule as it is shown: with how often it held. */
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

/** The rule in a JSON value, or the sentence that says what is wrong with it. */
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
