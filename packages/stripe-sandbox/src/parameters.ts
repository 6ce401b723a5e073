import type { FormObject, FormValue } from './form-body.js';
import { invalidRequest } from './stripe-error.js';

/** Reads one parameter from its form value. @throws Stripe's error, in which `path` is the parameter's name */
export type Reader<T> = (value: FormValue | undefined, path: string) => T;
/** The result type of a shape, which is an object of readers. (Shapes have no type constraint, because it would break inference.) */
export type Parsed<Shape extends object> = { [Name in keyof Shape]: Shape[Name] extends Reader<infer Read> ? Read : never };

export function required<T>(reader: Reader<T | undefined>): Reader<T> {
  return (value, path) => {
    const read = reader(value, path);
    if (read !== undefined) return read;
    throw invalidRequest(`Missing required param: ${path}.`, { code: 'parameter_missing', param: path });
  };
}

/** For parameters that an empty string unsets; it is read as null. */
export function unsettable<T>(reader: Reader<T | undefined>): Reader<T | null | undefined> {
  return (value, path) => (value === '' ? null : reader(value, path));
}

export function text(options: { maximumLength?: number } = {}): Reader<string | undefined> {
  const maximumLength = options.maximumLength ?? 5_000;
  return (value, path) => {
    if (value === undefined) return undefined;
    if (typeof value === 'object') throw invalidRequest('Invalid string: {…}', { param: path });
    if (value === '') throw emptyText(path);
    if (value.length > maximumLength) throw tooLong(path, value.length, maximumLength);
    return value;
  };
}

function emptyText(path: string) {
  const message =
    `You passed an empty string for '${path}'. We assume empty values are an attempt to unset a parameter; ` +
    `however '${path}' cannot be unset. You should remove '${path}' from your request or supply a non-empty value.`;
  return invalidRequest(message, { code: 'parameter_invalid_empty', param: path });
}

function tooLong(path: string, length: number, maximum: number) {
  return invalidRequest(`Invalid string: too long; must be at most ${maximum} characters, ${length} were given`, {
    code: 'parameter_invalid_string_too_long',
    param: path,
  });
}

export function integer(options: { minimum?: number; maximum?: number } = {}): Reader<number | undefined> {
  const minimum = options.minimum ?? Number.MIN_SAFE_INTEGER;
  const maximum = options.maximum ?? Number.MAX_SAFE_INTEGER;
  return (value, path) => {
    if (value === undefined) return undefined;
    if (typeof value === 'object' || !/^-?\d{1,15}$/.test(value)) {
      const shown = typeof value === 'object' ? '{…}' : value;
      throw invalidRequest(`Invalid integer: ${shown}`, { code: 'parameter_invalid_integer', param: path });
    }
    const number = Number(value);
    if (number < minimum) {
      throw invalidRequest(`This value must be greater than or equal to ${minimum}.`, {
        code: 'parameter_invalid_integer',
        param: path,
      });
    }
    if (number <= maximum) return number;
    throw invalidRequest(`This value must be less than or equal to ${maximum}.`, {
      code: 'parameter_invalid_integer',
      param: path,
    });
  };
}

export function truth(): Reader<boolean | undefined> {
  return (value, path) => {
    if (value === undefined) return undefined;
    if (value === 'true' || value === 'false') return value === 'true';
    throw invalidRequest(`Invalid boolean: ${typeof value === 'object' ? '{…}' : value}`, { param: path });
  };
}

export function choice<const T extends string>(allowed: readonly T[]): Reader<T | undefined> {
  return (value, path) => {
    if (value === undefined) return undefined;
    const found = allowed.find((candidate) => candidate === value);
    if (found !== undefined) return found;
    throw invalidRequest(`Invalid ${path}: must be one of ${allowed.join(', ')}`, { param: path });
  };
}

export function currency(): Reader<string | undefined> {
  return (value, path) => {
    if (value === undefined) return undefined;
    if (typeof value === 'string' && /^[a-z]{3}$/i.test(value)) return value.toLowerCase();
    throw invalidRequest(`Invalid currency: ${typeof value === 'string' ? value : '{…}'}.`, { param: path });
  };
}

/** Whitespace, control characters and backslashes, which URL parsers remove or replace, and a `%` that is not an escape. */
const NOT_IN_ADDRESSES = /[\s\\\p{Cc}]|%(?![\da-f]{2})/iu;

export function webAddress(): Reader<string | undefined> {
  const readText = text();
  return (value, path) => {
    const address = readText(value, path);
    if (address === undefined) return undefined;
    const isReadable = !NOT_IN_ADDRESSES.test(address) && /^https?:\/\/[^/?#]/i.test(address);
    if (isReadable && URL.canParse(address.replaceAll('{CHECKOUT_SESSION_ID}', 'x'))) return address;
    const message = 'Not a valid URL: a URL must start with https:// or http:// and contain a host.';
    throw invalidRequest(message, { code: 'url_invalid', param: path });
  };
}

/** An object with these parameters and no others. */
export function objectOf<Shape extends object>(shape: Shape): Reader<Parsed<Shape> | undefined> {
  return (value, path) => {
    if (value === undefined) return undefined;
    if (typeof value === 'string') throw invalidRequest('Invalid object', { param: path });
    return readShape(shape, value, path);
  };
}

/** Reads all parameters of a request; unknown ones are rejected by name, as at Stripe. */
export function readShape<Shape extends object>(shape: Shape, form: FormObject, prefix = ''): Parsed<Shape> {
  const nameOf = (key: string) => (prefix === '' ? key : `${prefix}[${key}]`);
  const unknown = Object.keys(form).filter((key) => !Object.hasOwn(shape, key));
  const first = unknown[0];
  if (first !== undefined) {
    const message = `Received unknown parameter${unknown.length > 1 ? 's' : ''}: ${unknown.map(nameOf).join(', ')}`;
    throw invalidRequest(message, { code: 'parameter_unknown', param: nameOf(first) });
  }
  const read: Record<string, unknown> = {};
  for (const [key, reader] of Object.entries(shape) as [string, Reader<unknown>][]) read[key] = reader(form[key], nameOf(key));
  return read as Parsed<Shape>;
}

export function listOf<T>(reader: Reader<T | undefined>, options: { maximum: number }): Reader<T[] | undefined> {
  return (value, path) => {
    if (value === undefined) return undefined;
    if (typeof value === 'string' || Object.keys(value).some((key) => !/^\d+$/.test(key))) {
      throw invalidRequest('Invalid array', { param: path });
    }
    const entries = Object.entries(value).sort(([left], [right]) => Number(left) - Number(right));
    if (entries.length > options.maximum) {
      throw invalidRequest(`Array too long: at most ${options.maximum} entries`, { param: path });
    }
    return entries.map(([key, entry]) => required(reader)(entry, `${path}[${key}]`));
  };
}

/** A filter by time: one second, or a range. Times are seconds since 1970. */
export interface TimeRange {
  from: number;
  to: number;
}

export function timeRange(): Reader<TimeRange | undefined> {
  const bounds = objectOf({ gt: integer(), gte: integer(), lt: integer(), lte: integer() });
  const single = integer();
  return (value, path) => {
    if (value === undefined) return undefined;
    if (typeof value === 'string') {
      const at = single(value, path) ?? 0;
      return { from: at, to: at };
    }
    const read = bounds(value, path) ?? { gt: undefined, gte: undefined, lt: undefined, lte: undefined };
    const from = Math.max(read.gte ?? 0, read.gt === undefined ? 0 : read.gt + 1);
    const to = Math.min(read.lte ?? Number.MAX_SAFE_INTEGER, read.lt === undefined ? Number.MAX_SAFE_INTEGER : read.lt - 1);
    return { from, to };
  };
}
