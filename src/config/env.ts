import { CronExpressionParser } from 'cron-parser';
import { z } from 'zod';
import { StartupError } from '../runtime/startup-error.js';

/** One fault of the environment, as an operator reads it: which variable, what is wrong, what to do. */
export interface EnvironmentFault {
  readonly variable: string;
  readonly wrong: string;
  readonly remedy: string;
}

/**
 * Reads variables one by one and collects every fault instead of stopping at the first. It remembers which names were asked
 * for, so that a test can hold `.env.example` against them. An empty variable counts as unset: compose files pass `${X:-}`.
 */
export class Environment {
  readonly faults: EnvironmentFault[] = [];
  readonly names = new Set<string>();

  constructor(private readonly source: Readonly<Record<string, string | undefined>>) {}

  /** The variable's value by its schema, or undefined when it is unset or at fault (the fault is then recorded). */
  optional<Value>(name: string, schema: z.ZodType<Value, string>, options: { secret?: boolean } = {}): Value | undefined {
    this.names.add(name);
    const text = this.source[name]?.trim();
    if (!text) return undefined;
    const result = schema.safeParse(text);
    if (result.success) return result.data;
    const expected = result.error.issues.map((issue) => issue.message).join(' and ');
    const found = options.secret ? '' : `, found "${text}"`;
    this.refuse(name, `must be ${expected}${found}`, 'Correct it or remove it.');
    return undefined;
  }

  /** As `optional`, with a default for a variable that is unset. */
  read<Value>(name: string, schema: z.ZodType<Value, string>, fallback: Value): Value {
    return this.optional(name, schema) ?? fallback;
  }

  /** The variable as it was written, spaces and all; undefined when it is unset. */
  raw(name: string): string | undefined {
    this.names.add(name);
    return this.source[name];
  }

  has(name: string): boolean {
    this.names.add(name);
    return Boolean(this.source[name]?.trim());
  }

  refuse(variable: string, wrong: string, remedy: string): void {
    this.faults.push({ variable, wrong, remedy });
  }
}

/** Every fault found in the environment; its message has one line for each. */
export class ConfigError extends StartupError {
  override readonly name = 'ConfigError';

  constructor(readonly faults: readonly EnvironmentFault[]) {
    super(faults.map((fault) => `${fault.variable}: ${fault.wrong}. ${fault.remedy}`));
  }
}

/** A whole number within bounds, both included. */
export function wholeNumber(minimum: number, maximum: number): z.ZodType<number, string> {
  const expected = `a whole number from ${minimum} to ${maximum}`;
  return z
    .string()
    .regex(/^\d{1,16}$/, expected)
    .transform(Number)
    .refine((value) => value >= minimum && value <= maximum, expected);
}

export const yesOrNo: z.ZodType<boolean, string> = z
  .enum(['true', 'false', '1', '0'], 'true or false')
  .transform((text) => text === 'true' || text === '1');

/** A cron line of five fields (minute, hour, day, month, weekday) that comes around at all. Times are in UTC. */
export const cronLine: z.ZodType<string, string> = z
  .string()
  .transform((text) => text.split(/\s+/).join(' '))
  .refine(comesAround, 'a cron line of five fields, in UTC, such as 15 3 * * *');

function comesAround(line: string): boolean {
  if (line.split(' ').length !== 5) return false;
  try {
    CronExpressionParser.parse(line, { tz: 'UTC' }).next();
    return true;
  } catch {
    return false;
  }
}

const ENCODED = 'a URL in which a % that stands for itself is written as %25';

/** Whether each % begins a character's code, as the drivers expect: https://www.rfc-editor.org/rfc/rfc3986#section-2.4 */
function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** A URL of one of these schemes (without colon), as it was written but for a slash at its end. */
export function urlOf(...schemes: string[]): z.ZodType<string, string> {
  const expected = `a URL that starts with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`;
  return z
    .string()
    .refine((text) => URL.canParse(text) && schemes.includes(new URL(text).protocol.slice(0, -1)), expected)
    .refine(isEncoded, ENCODED)
    .transform((text) => text.replace(/\/$/, ''));
}

/**
 * MongoDB's connection string, which may list several hosts and is then no URL in the sense of the WHATWG. It must name the
 * database: without one the driver takes `test`. https://www.mongodb.com/docs/manual/reference/connection-string/
 */
export const mongodbUrl: z.ZodType<string, string> = z
  .string()
  .regex(
    /^mongodb(\+srv)?:\/\/[^/?#]+\/[^/?#]+(\?.*)?$/,
    'mongodb:// or mongodb+srv://, with hosts and a database, such as mongodb://a,b/boxoffice',
  )
  .refine(isEncoded, ENCODED);

/** A list separated by commas, without empty parts. */
export function listOf<Value>(item: z.ZodType<Value, string>): z.ZodType<Value[], string> {
  return z
    .string()
    .transform((text) =>
      text
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    )
    .pipe(z.array(item));
}

/** `name=value,name=value`: each name once. A name may contain `=`; the last one separates the value. */
export function mapOf<Value>(value: z.ZodType<Value, string>, form: string): z.ZodType<ReadonlyMap<string, Value>, string> {
  const pair = z
    .string()
    .regex(/[^\s=]\s*=[^=]*$/, `of the form ${form}`)
    .transform((text) => [text.slice(0, text.lastIndexOf('=')).trim(), text.slice(text.lastIndexOf('=') + 1).trim()] as const)
    .pipe(z.tuple([z.string(), value]));
  return listOf(pair)
    .refine((pairs) => new Set(pairs.map(([name]) => name)).size === pairs.length, `of the form ${form}, with each name once`)
    .transform((pairs) => new Map(pairs));
}
