import { CronExpressionParser } from 'cron-parser';
import { z } from 'zod';
import { StartupError } from '../runtime/startup-error.js';

/** A problem with an environment variable: its name, what is wrong, and what to do about it. */
export interface EnvironmentFault {
  readonly variable: string;
  readonly wrong: string;
  readonly remedy: string;
}

/**
 * Reads variables one by one and collects all faults instead of stopping at the first. It records which names were read, so that a test
 * can compare them with `.env.example`. An empty variable counts as unset: Compose files pass `${X:-}`.
 */
export class Environment {
  readonly faults: EnvironmentFault[] = [];
  readonly names = new Set<string>();

  constructor(private readonly source: Readonly<Record<string, string | undefined>>) {}

  /** The variable's value, parsed by its schema; undefined if it is unset or invalid (the fault is then recorded). */
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

  /** Like `optional`, with a default for an unset variable. */
  read<Value>(name: string, schema: z.ZodType<Value, string>, fallback: Value): Value {
    return this.optional(name, schema) ?? fallback;
  }

  /** The variable exactly as written, including spaces; undefined if it is unset. */
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

/** The error to throw for faults in the environment. */
export const configurationError = (faults: readonly EnvironmentFault[]): StartupError =>
  new StartupError(faults.map(({ variable, wrong, remedy }) => `${variable}: ${wrong}. ${remedy}`));

/** A whole number within inclusive bounds. */
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

/** A cron expression of five fields (minute, hour, day, month, weekday) that has a next run. Times are in UTC. */
export const cronLine: z.ZodType<string, string> = z
  .string()
  .transform((text) => text.split(/\s+/).join(' '))
  .refine(hasNextRun, 'a cron expression of five fields, in UTC, such as 15 3 * * *');

function hasNextRun(line: string): boolean {
  if (line.split(' ').length !== 5) return false;
  try {
    CronExpressionParser.parse(line, { tz: 'UTC' }).next();
    return true;
  } catch {
    return false;
  }
}

const ENCODED = 'a URL in which a literal % is written as %25';

/** Whether each % starts a percent-encoded character, as the drivers expect: https://www.rfc-editor.org/rfc/rfc3986#section-2.4 */
function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** A URL with one of these schemes (without colon), as written except for a trailing slash. */
export function urlOf(...schemes: string[]): z.ZodType<string, string> {
  const expected = `a URL that starts with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`;
  return z
    .string()
    .refine((text) => URL.canParse(text) && schemes.includes(new URL(text).protocol.slice(0, -1)), expected)
    .refine(isEncoded, ENCODED)
    .transform((text) => text.replace(/\/$/, ''));
}

/**
 * MongoDB's connection string, which may list several hosts and is then not a valid WHATWG URL. It must name the database: without one
 * the driver uses `test`. https://www.mongodb.com/docs/manual/reference/connection-string/
 */
export const mongodbUrl: z.ZodType<string, string> = z
  .string()
  .regex(
    /^mongodb(\+srv)?:\/\/[^/?#]+\/[^/?#]+(\?.*)?$/,
    'mongodb:// or mongodb+srv://, with hosts and a database, such as mongodb://a,b/boxoffice',
  )
  .refine(isEncoded, ENCODED);

/** A comma-separated list without empty items. */
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

/** `name=value,name=value`, without duplicate names. A name may contain `=`; the last one separates the value. */
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
