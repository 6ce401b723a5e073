import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { InvalidArgument, storeFaultOf } from '../../services/errors.js';
import { CursorExpired } from '../../services/live/live-cursor.js';
import { IdentityUnavailable } from '../auth/provider-keys.js';
import { cut, wordsOf } from './error-words.js';

/** What was meant for the caller. Everything else is a defect, and told as INTERNAL_SERVER_ERROR and nothing more. */
const PUBLIC_CODES = new Set<unknown>([
  'BAD_REQUEST',
  'BAD_USER_INPUT',
  'CURSOR_EXPIRED',
  'FORBIDDEN',
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'OPERATION_NOT_TRUSTED',
  'OPERATION_RESOLUTION_FAILURE',
  'PERSISTED_QUERY_NOT_FOUND',
  'PERSISTED_QUERY_NOT_SUPPORTED',
  'QUERY_TOO_EXPENSIVE',
  'RATE_LIMITED',
  'REQUEST_TIMEOUT',
  'RESPONSE_TOO_LARGE',
  'SERVICE_UNAVAILABLE',
  'UNAUTHENTICATED',
]);

/** An answer tells this many errors: who sends thousands learns nothing from the rest. */
export const MAX_ERRORS = 10;
const MAX_LOCATIONS = 10;
const MAX_PATH_LENGTH = 100;
/** Of a name in a path (aliases may be of any length), and of a text in extensions. */
const MAX_NAME_CHARACTERS = 100;

/** Names of the schema that GraphQL suggests in the place of an unknown one. */
const SUGGESTION = / ?Did you mean .*$/s;
const INTERNAL = 'Something went wrong on our side. Tell us the request id.';
const BUSY = 'Too many changes of this viewer are under way. Try again soon.';
const UNAVAILABLE = 'A service that we depend on cannot be reached. Try again soon.';

/** A public error, and whether it hides a defect that must be logged. */
export interface MaskedError {
  readonly error: GraphQLFormattedError;
  readonly isDefect: boolean;
}

export interface MaskingSettings {
  readonly requestId?: string;
  /** Whether names of the schema may be suggested. */
  readonly suggestions: boolean;
}

/**
 * An error as callers see it, the same over HTTP and WebSocket: a stable code, the request's id, no stack, nothing internal.
 * `fallbackCode` is the code of errors that GraphQL itself raises in that phase, such as GRAPHQL_VALIDATION_FAILED.
 */
export function maskError(thrown: unknown, settings: MaskingSettings, fallbackCode?: string): MaskedError {
  const error = thrown instanceof GraphQLError ? thrown : new GraphQLError('', { originalError: thrown as Error });
  const cause = rootCause(error);
  if (cause instanceof InvalidArgument) {
    return masked(error, cause, { code: 'BAD_USER_INPUT', argument: cause.argument }, settings);
  }
  if (cause instanceof CursorExpired) return masked(error, cause, { code: cause.code }, settings);
  const storeFault = storeFaultOf(cause);
  if (storeFault === 'BUSY') return masked(error, { message: BUSY }, { code: 'SERVICE_UNAVAILABLE' }, settings);
  if (cause instanceof IdentityUnavailable || storeFault === 'UNAVAILABLE')
    return { ...masked(error, { message: UNAVAILABLE }, { code: 'SERVICE_UNAVAILABLE' }, settings), isDefect: true };
  // The reason a scalar gives against a value is an ordinary error inside GraphQL's.
  const requestCode = PUBLIC_CODES.has(fallbackCode) ? fallbackCode : undefined;
  const isAboutInput = isAboutVariables(error) || isAboutArgument(error);
  const isAboutRequest = isAboutInput || requestCode !== undefined;
  const publicCause = isAboutRequest ? error : cause instanceof GraphQLError ? cause : null;
  const { http: _http, stacktrace: _stacktrace, ...extensions } = { ...publicCause?.extensions, ...error.extensions };
  const code = PUBLIC_CODES.has(extensions.code) ? extensions.code : isAboutInput ? 'BAD_USER_INPUT' : requestCode;
  if (publicCause && code) return masked(error, publicCause, { ...extensions, code }, settings);
  return { ...masked(error, { message: INTERNAL }, { code: 'INTERNAL_SERVER_ERROR' }, settings), isDefect: true };
}

function masked(
  error: GraphQLError,
  { message, originalError }: { message: string; originalError?: Error | undefined },
  extensions: Record<string, unknown>,
  settings: MaskingSettings,
): MaskedError {
  const { requestId, suggestions } = settings;
  const { locations, path } = error;
  const words = wordsOf({ message, originalError });
  return {
    isDefect: false,
    error: {
      message: suggestions ? words : words.replace(SUGGESTION, ''),
      ...(locations && { locations: locations.slice(0, MAX_LOCATIONS) }),
      ...(path && { path: path.slice(0, MAX_PATH_LENGTH).map(bounded) }),
      extensions: { ...boundedEntries(extensions), ...(requestId && { requestId }) },
    },
  };
}

/** The errors of an answer, each in its public form: the first few. Small, whatever was sent. */
export function maskErrors<Thrown, Public>(errors: readonly Thrown[], tellOne: (error: Thrown) => Public): Public[] {
  return errors.slice(0, MAX_ERRORS).map(tellOne);
}

const bounded = <Value>(value: Value): Value => (typeof value === 'string' ? cut(value, MAX_NAME_CHARACTERS) : value) as Value;

/** Codes, numbers and names; anything larger is not for callers. */
function boundedEntries(extensions: Record<string, unknown>): Record<string, unknown> {
  const plain = Object.entries(extensions).filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value));
  return Object.fromEntries(plain.map(([name, value]) => [name, bounded(value)]));
}

/**
 * The code of an error that GraphQL raised against the request itself, before anything ran; Apollo finds it by phase, a socket
 * has only the error.
 */
export function requestErrorCode(error: GraphQLError): string | undefined {
  if (error.path || !error.locations || error.extensions.code) return undefined;
  return error.message.startsWith('Syntax Error') ? 'GRAPHQL_PARSE_FAILED' : 'GRAPHQL_VALIDATION_FAILED';
}

/** What was thrown in the first place: GraphQL wraps it, sometimes twice. */
export function rootCause(error: unknown): unknown {
  let cause = error;
  while (cause instanceof GraphQLError && cause.originalError) cause = cause.originalError;
  return cause;
}

/** GraphQL finds faults of variables only while it executes: https://spec.graphql.org/October2021/#sec-Coercing-Variable-Values */
const isAboutVariables = (error: GraphQLError): boolean => !error.path && error.message.startsWith('Variable "$');

/** Nor is a variable that is null inside a list or an input object found before the field is executed; that is no defect of ours. */
const isAboutArgument = (error: GraphQLError): boolean =>
  !error.originalError && /^Argument "\w+" (?:has invalid value|of (?:required|non-null) type) /.test(error.message);
