import { type ExecutionResult, GraphQLError } from 'graphql';
import { RawJson } from './raw-json.js';

/** For the parts of a response around its data, and for its errors, which are limited too. */
const ENVELOPE_BYTES = 1_024;
const ERRORS_BYTES = 32 * 1_024;

type Run<Operation> = (operation: Operation) => Promise<ExecutionResult> | ExecutionResult;

/**
 * Responds with RESPONSE_TOO_LARGE instead of data that is longer than `maxBytes` as JSON, for all transports. The data is measured before
 * it is serialised: until then, aliases and lists that share a text take little memory.
 */
export function limitResponses<Operation>(run: Run<Operation>, maxBytes: number): Run<Operation> {
  const check = (result: ExecutionResult): ExecutionResult => {
    const budget = maxBytes - ENVELOPE_BYTES - (result.errors ? ERRORS_BYTES : 0);
    return result.data && jsonBytes(result.data, budget) > budget ? tooLarge(maxBytes) : result;
  };
  return (operation) => {
    const result = run(operation);
    return result instanceof Promise ? result.then(check) : check(result);
  };
}

const tooLarge = (limit: number): ExecutionResult => ({
  data: null,
  errors: [
    new GraphQLError(
      `The response is larger than ${limit} bytes. Request smaller pages or fewer fields. If this was a mutation, it has been executed.`,
      { extensions: { code: 'RESPONSE_TOO_LARGE', limit } },
    ),
  ],
});

/** The size of a result as JSON in UTF-8; counting stops above `limit`. */
export function jsonBytes(value: unknown, limit: number): number {
  if (typeof value === 'string') return textBytes(value);
  if (value === null || value === undefined) return 4;
  if (typeof value !== 'object') return String(value).length;
  if (value instanceof RawJson) return shortTextBytes(value.text, limit);
  // Brackets, and a comma for each element except the first.
  let bytes = 2;
  if (Array.isArray(value)) {
    for (const item of value) {
      bytes += 1 + jsonBytes(item, limit - bytes);
      if (bytes > limit) return bytes;
    }
    return bytes - Math.min(1, value.length);
  }
  const names = Object.keys(value);
  for (const name of names) {
    // GraphQL names are ASCII; plus two quotation marks, a colon and a comma.
    bytes += name.length + 4 + jsonBytes((value as Record<string, unknown>)[name], limit - bytes);
    if (bytes > limit) return bytes;
  }
  return bytes - Math.min(1, names.length);
}

/** A text has at most three bytes per code unit, so most are known to fit without being scanned. */
function shortTextBytes(text: string, limit: number): number {
  // Concatenated strings are not flattened yet; flattening hundreds of megabytes takes as much memory, and time.
  if (text.length > limit || text.length * 3 <= limit) return text.length;
  return Buffer.byteLength(text);
}

/** Characters that JSON escapes: https://www.rfc-editor.org/rfc/rfc8259#section-7, and lone surrogates. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what JSON escapes
const ESCAPED = /["\\\u0000-\u001f\ud800-\udfff]/;

const textBytes = (text: string): number =>
  ESCAPED.test(text) ? Buffer.byteLength(JSON.stringify(text)) : Buffer.byteLength(text) + 2;
