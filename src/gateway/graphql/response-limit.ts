import { type ExecutionResult, GraphQLError } from 'graphql';
import { RawJson } from './raw-json.js';

/** For what surrounds the data of an answer, and for its errors, which are bounded as well. */
const ENVELOPE_BYTES = 1_024;
const ERRORS_BYTES = 32 * 1_024;

type Run<Operation> = (operation: Operation) => Promise<ExecutionResult> | ExecutionResult;

/**
 * Answers RESPONSE_TOO_LARGE in the place of data that is longer than `maxBytes` as JSON, for every transport alike. The data is
 * measured before it is written: aliases and lists that share a text take little memory until then.
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
      `The answer is longer than ${limit} bytes. Ask for smaller pages or fewer fields. What a mutation was to do has been done.`,
      { extensions: { code: 'RESPONSE_TOO_LARGE', limit } },
    ),
  ],
});

/** How many bytes a result takes as JSON in UTF-8; counting stops when it is more than `limit`. */
export function jsonBytes(value: unknown, limit: number): number {
  if (typeof value === 'string') return textBytes(value);
  if (value === null || value === undefined) return 4;
  if (typeof value !== 'object') return String(value).length;
  if (value instanceof RawJson) return shortTextBytes(value.text, limit);
  // Brackets, and a comma for each element but the first.
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
    // Names are GraphQL's, so they are ASCII: two quotation marks, a colon and a comma beside them.
    bytes += name.length + 4 + jsonBytes((value as Record<string, unknown>)[name], limit - bytes);
    if (bytes > limit) return bytes;
  }
  return bytes - Math.min(1, names.length);
}

/** No text has more bytes than three for each of its units: most are known to fit without looking into them. */
function shortTextBytes(text: string, limit: number): number {
  // Pieces that were joined are not yet one text: making it of hundreds of megabytes takes as much memory, and long.
  if (text.length > limit || text.length * 3 <= limit) return text.length;
  return Buffer.byteLength(text);
}

/** What JSON writes as more than the character itself: https://www.rfc-editor.org/rfc/rfc8259#section-7; and halves of pairs. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what JSON escapes
const ESCAPED = /["\\\u0000-\u001f\ud800-\udfff]/;

const textBytes = (text: string): number =>
  ESCAPED.test(text) ? Buffer.byteLength(JSON.stringify(text)) : Buffer.byteLength(text) + 2;
