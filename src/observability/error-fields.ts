import { stdSerializers } from 'pino';

/**
 * Fields of errors that repeat what was stored or sent: rows, parameters and statements of Postgres
 * (https://www.postgresql.org/docs/current/protocol-error-fields.html), payments and their owners of Stripe
 * (https://docs.stripe.com/api/errors). They are personal data, which logs must not keep.
 */
const FIELDS_WITH_DATA = new Set([
  ...['detail', 'where', 'internalQuery', 'parameters', 'query', 'sql', 'values'],
  ...['raw', 'headers', 'charge', 'source', 'payment_intent', 'payment_method', 'setup_intent'],
]);
/** `invalid input syntax for type uuid: "…"`: in the messages of class 22 of SQLSTATE the value comes last. */
const VALUE_AT_THE_END = /: "[\s\S]*"$/;

const MAX_CAUSES = 10;

/** An error as it is logged: its kind, message, code, stack and the names of what it is about, without the data. */
export function errorFields(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { message, stack, ...fields } = stdSerializers.err(error);
  // pino writes the messages of causes into both.
  const shorten = (text: string) => withoutValues(text, error);
  return { ...(withoutData(fields) as object), message: shorten(message), stack: shorten(stack ?? '') };
}

function withoutData(value: unknown): unknown {
  if (value instanceof Error) return errorFields(value);
  if (Array.isArray(value)) return value.map(withoutData);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  // The error that pino made these fields of.
  const original = (value as { raw?: unknown }).raw;
  if (original instanceof Error) return errorFields(original);
  const entries = Object.entries(value).filter(([name]) => !FIELDS_WITH_DATA.has(name));
  return Object.fromEntries(entries.map(([name, inner]) => [name, withoutData(inner)]));
}

function withoutValues(text: string, error: Error): string {
  let shortened = text;
  let cause: unknown = error;
  for (let count = 0; cause instanceof Error && count < MAX_CAUSES; count++) {
    const { code, message } = cause as { code?: unknown; message: string };
    if (String(code).startsWith('22')) shortened = shortened.replaceAll(message, message.replace(VALUE_AT_THE_END, ''));
    cause = cause.cause;
  }
  return shortened;
}
