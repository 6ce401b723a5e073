import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import type { Logger } from 'pino';
import { InvalidArgument, storeFaultOf } from '../../services/errors.js';
import { CursorExpired } from '../../services/live/starting-point.js';
import { IdentityUnavailable } from '../auth/provider-keys.js';
import { cut, wordsOf } from './error-words.js';

/** Codes of errors meant for callers. Every other error is a defect, and shown only as INTERNAL_SERVER_ERROR. */
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

/** The maximum number of errors in a response: more would not help a client that sends thousands. */
export const MAX_ERRORS = 10;
const MAX_LOCATIONS = 10;
const MAX_PATH_LENGTH = 100;
/** For names in a path (aliases may have any length) and texts in extensions. */
const MAX_NAME_CHARACTERS = 100;

/** GraphQL's suggestions of schema names for an unknown one. */
const SUGGESTION = / ?Did you mean .*$/s;
const INTERNAL = 'Internal error. Quote the request id when you report it.';
const BUSY = 'Too many changes of this viewer are in progress. Try again soon.';
const UNAVAILABLE = 'A dependency is unavailable. Try again soon.';

/** An error for the caller, and whether it hides a defect that must be logged. */
export interface MaskedError {
  readonly error: GraphQLFormattedError;
  readonly isDefect: boolean;
}

export interface MaskingSettings {
  readonly requestId?: string;
  /** Whether schema names may be suggested. */
  readonly suggestions: boolean;
}

/**
 * Masks an error for callers, the same over HTTP and WebSocket: a stable code, the request id, no stack, nothing internal.
 * `fallbackCode` is the code of errors that GraphQL itself throws in the current phase, such as GRAPHQL_VALIDATION_FAILED.
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
  // A scalar's reason for rejecting a value is an ordinary error inside GraphQL's.
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

/** What a log line says about the operation. */
interface ErrorContext {
  readonly requestId?: string;
  readonly operationName?: string | null | undefined;
}

export type Mask = (
  error: GraphQLError,
  about: ErrorContext & { readonly requestId: string },
  fallbackCode?: string,
) => GraphQLFormattedError;

/** A function that masks an error for its caller and logs it if it hides a defect. */
export const createMask =
  (logger: Pick<Logger, 'error'>, suggestions: boolean): Mask =>
  (thrown, about, fallbackCode) => {
    const { error, isDefect } = maskError(thrown, { requestId: about.requestId, suggestions }, fallbackCode);
    if (isDefect) logDefect(logger, thrown, about);
    return error;
  };

export function logDefect(logger: Pick<Logger, 'error'>, thrown: unknown, about: ErrorContext): void {
  const path = thrown instanceof GraphQLError ? thrown.path : undefined;
  logger.error({ ...about, path, err: rootCause(thrown) }, 'operation failed');
}

/** The first errors of a response, masked, so that they are small whatever was sent. */
export function maskErrors<Thrown, Public>(errors: readonly Thrown[], mask: (error: Thrown) => Public): Public[] {
  return errors.slice(0, MAX_ERRORS).map(mask);
}

const bounded = <Value>(value: Value): Value => (typeof value === 'string' ? cut(value, MAX_NAME_CHARACTERS) : value) as Value;

/** Keeps codes, numbers and names; anything larger is not for callers. */
function boundedEntries(extensions: Record<string, unknown>): Record<string, unknown> {
  const plain = Object.entries(extensions).filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value));
  return Object.fromEntries(plain.map(([name, value]) => [name, bounded(value)]));
}

/**
 * The code of an error that GraphQL threw because of the request itself, before execution. Apollo derives it from the phase; a socket
 * has only the error.
 */
export function requestErrorCode(error: GraphQLError): string | undefined {
  if (error.path || !error.locations || error.extensions.code) return undefined;
  return error.message.startsWith('Syntax Error') ? 'GRAPHQL_PARSE_FAILED' : 'GRAPHQL_VALIDATION_FAILED';
}

/** The error thrown originally: GraphQL wraps it, sometimes twice. */
export function rootCause(error: unknown): unknown {
  let cause = error;
  while (cause instanceof GraphQLError && cause.originalError) cause = cause.originalError;
  return cause;
}

/** GraphQL detects invalid variables only during execution: https://spec.graphql.org/October2021/#sec-Coercing-Variable-Values */
const isAboutVariables = (error: GraphQLError): boolean => !error.path && error.message.startsWith('Variable "$');

/** A null variable inside a list or an input object is also detected only when the field is executed; it is not a defect. */
const isAboutArgument = (error: GraphQLError): boolean =>
  !error.originalError && /^Argument "\w+" (?:has invalid value|of (?:required|non-null) type) /.test(error.message);

/** A request that is rejected before execution, with one or more errors, each with a code. */
export class RequestRefused extends Error {
  override readonly name = 'RequestRefused';
  readonly errors: readonly GraphQLError[];

  constructor(errors: readonly GraphQLError[]) {
    super('the request was refused');
    this.errors = errors.slice(0, MAX_ERRORS);
  }
}

/** The errors of a rejected request; rethrows any other error. */
export function refusalOf(error: unknown): readonly GraphQLError[] {
  if (error instanceof RequestRefused) return error.errors;
  if (error instanceof GraphQLError) return [error];
  throw error;
}

/** The error without values in its message, with a code and the HTTP status 400 unless it already has a code. */
export function refusedWith(code: string, error: GraphQLError): GraphQLError {
  const { nodes, source, positions, extensions } = error;
  return new GraphQLError(wordsOf(error), {
    nodes,
    source,
    positions,
    extensions: { code, http: { status: 400 }, ...extensions },
  });
}

export const rateLimited = (retryAfterSeconds: number) =>
  new GraphQLError(`Too many requests. Try again in ${retryAfterSeconds} s.`, {
    extensions: { code: 'RATE_LIMITED', retryAfterSeconds },
  });

/** The seconds to wait according to an error; null for any other error. */
export function retryAfterOf(error: unknown): number | null {
  const seconds = error instanceof GraphQLError ? error.extensions.retryAfterSeconds : null;
  return typeof seconds === 'number' ? seconds : null;
}
