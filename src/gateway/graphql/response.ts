import {
  type ExecutionResult,
  GraphQLError,
  type GraphQLObjectType,
  getNamedType,
  getNullableType,
  isListType,
  isObjectType,
} from 'graphql';
import type { Limits } from '../../config/limits.js';
import type { Selected } from '../../resolvers/page-query/look-ahead.js';
import { textCharacters } from './cost-table.js';
import { maskErrors } from './errors.js';
import type { Variables } from './prepared-operations.js';

/** A value that is already JSON text. The response writer inserts it unchanged; for anything else it serialises to its value. */
export class RawJson {
  constructor(readonly text: string) {}

  toJSON(): unknown {
    return JSON.parse(this.text);
  }
}

/**
 * Serialises a result, with each error masked. Errors come first if there are any:
 * https://spec.graphql.org/October2021/#sec-Response-Format
 */
export function resultText({ data, errors, extensions }: ExecutionResult, publicForm: (error: GraphQLError) => object): string {
  const parts: string[] = [];
  if (errors) parts.push(`"errors":${JSON.stringify(maskErrors(errors, publicForm))}`);
  if (data !== undefined) parts.push(`"data":${dataText(data)}`);
  if (extensions) parts.push(`"extensions":${JSON.stringify(extensions)}`);
  return `{${parts.join(',')}}`;
}

const dataText = (data: unknown): string => (data instanceof RawJson ? data.text : JSON.stringify(data));

/** For the parts of a response around its data, and for its errors, which are limited too. */
const ENVELOPE_BYTES = 1_024;
const ERRORS_BYTES = 32 * 1_024;

/**
 * Replaces data that is longer than `maxBytes` as JSON by RESPONSE_TOO_LARGE. The data is measured before it is serialised: until then,
 * aliases and lists that share a text take little memory.
 */
export function limitResponse(result: ExecutionResult, maxBytes: number): ExecutionResult {
  const budget = maxBytes - ENVELOPE_BYTES - (result.errors ? ERRORS_BYTES : 0);
  if (!result.data || jsonBytes(result.data, budget) <= budget) return result;
  const message = `The response is larger than ${maxBytes} bytes. Request smaller pages or fewer fields. If this was a mutation, it has been executed.`;
  return { data: null, errors: [new GraphQLError(message, { extensions: { code: 'RESPONSE_TOO_LARGE', limit: maxBytes } })] };
}

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

export type ResponseLimits = Pick<Limits, 'responseBytes' | 'descriptionMaximumCharacters'>;

/** Quotation marks, a colon and a comma around a name. */
const NAME_BYTES = 4;
/** A UUID or an instant in its quotation marks, and anything shorter. */
const SHORT_LEAF_BYTES = 38;

/**
 * How many bytes of ASCII an answer may have with these variables, with full pages and the longest texts. A statement makes the whole
 * answer before it can be counted, so an answer that may be too long must not be read by one.
 */
export function maxPageBytes(
  type: GraphQLObjectType,
  selection: readonly Selected[],
  variables: Variables,
  limits: ResponseLimits,
  /** The requested size of the connection that `type` is of, if it is of one. */
  asked = 1,
): number {
  let bytes = 2;
  for (const { key, field, argumentsOf, selection: inner } of selection) {
    bytes += key.length + NAME_BYTES;
    const definition = type.getFields()[field];
    const named = definition && getNamedType(definition.type);
    if (isObjectType(named)) {
      const { first = 1 } = argumentsOf(variables);
      const each = maxPageBytes(named, inner, variables, limits, typeof first === 'number' ? Math.max(first, 1) : 1);
      bytes += definition && isListType(getNullableType(definition.type)) ? asked * (each + 1) : each;
    } else {
      bytes += SHORT_LEAF_BYTES + (definition ? textCharacters(type.name, definition, limits) : 0);
    }
  }
  return bytes;
}
