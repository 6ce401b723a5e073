import { GraphQLScalarType, Kind, type ValueNode } from 'graphql';

/** RFC 3339, section 5.6: the time zone is required, and `T` and `Z` must be upper case here. */
const RFC_3339 = /^(\d{4})-(\d{2})-(\d{2})T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/;

function parseInstant(value: unknown): Date {
  const match = typeof value === 'string' ? RFC_3339.exec(value) : null;
  if (match) {
    const instant = new Date(value as string);
    // Date would read February 30 as March 2.
    const daysOfMonth = new Date(Date.UTC(Number(match[1]), Number(match[2]), 0)).getUTCDate();
    if (!Number.isNaN(instant.getTime()) && Number(match[3]) <= daysOfMonth) return instant;
  }
  throw new TypeError('DateTime must be a timestamp with a time zone, such as "2026-11-23T09:34:37.123Z".');
}

function serializeInstant(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'string') return value;
  throw new TypeError('DateTime cannot represent a value that is not a valid date.');
}

const FAULTY_MINOR_UNITS =
  'MinorUnits must be a whole number of minor units (cents) from -9007199254740991 to 9007199254740991, without quotes or point.';

function parseMinorUnits(value: unknown): number {
  // JSON's -0 is a valid number, but money has only one zero.
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value + 0;
  throw new TypeError(FAULTY_MINOR_UNITS);
}

function parseText(pattern: RegExp, fault: string): (value: unknown) => string {
  return (value) => {
    if (typeof value === 'string' && pattern.test(value)) return value;
    throw new TypeError(fault);
  };
}

const literalText = (node: ValueNode): unknown => (node.kind === Kind.STRING ? node.value : undefined);

const parseCurrency = parseText(/^[A-Z]{3}$/, 'CurrencyCode must be three capital letters (ISO 4217), such as "EUR".');
const parseKey = parseText(/^[\x20-\x7e]{8,255}$/, 'IdempotencyKey must be 8 to 255 printable ASCII characters.');

/** A timestamp, serialized in UTC with milliseconds. */
export const DateTimeScalar = new GraphQLScalarType<Date, string>({
  name: 'DateTime',
  serialize: serializeInstant,
  parseValue: parseInstant,
  parseLiteral: (node) => parseInstant(literalText(node)),
});

/** An exact integer of minor units, ±(2^53-1): what JavaScript and JSON represent without loss. */
export const MinorUnitsScalar = new GraphQLScalarType<number, number>({
  name: 'MinorUnits',
  serialize: parseMinorUnits,
  parseValue: parseMinorUnits,
  parseLiteral: (node) => parseMinorUnits(node.kind === Kind.INT ? Number(node.value) : undefined),
});

/** ISO 4217. */
export const CurrencyCodeScalar = new GraphQLScalarType<string, string>({
  name: 'CurrencyCode',
  serialize: String,
  parseValue: parseCurrency,
  parseLiteral: (node) => parseCurrency(literalText(node)),
});

/** The caller's own id for one request to move money. */
export const IdempotencyKeyScalar = new GraphQLScalarType<string, string>({
  name: 'IdempotencyKey',
  serialize: String,
  parseValue: parseKey,
  parseLiteral: (node) => parseKey(literalText(node)),
});
