import { createRedactor } from './redact.js';

/** Why the process cannot start: one line per problem, each with what an operator can do about it. */
export class StartupError extends Error {
  override readonly name: string = 'StartupError';

  constructor(readonly lines: readonly string[]) {
    super(lines.join('\n'));
  }
}

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
const NO_SUCH_DATABASE = '3D000';

/** The error for an unavailable store, without the password that its URL may contain. */
export function unreachable(variable: string, url: string, error: unknown): StartupError {
  // Not with URL: MongoDB's may list several hosts.
  const host = url.replace(/^[^:]+:\/\/(?:[^/]*@)?/, '').replace(/[/?].*$/, '');
  const remedy = (error as { code?: unknown }).code === NO_SUCH_DATABASE ? 'Create that database' : 'Start that server';
  return new StartupError([`${variable}: ${host} cannot be used (${reasonOf(error)}). ${remedy}, or correct the URL.`]);
}

/** Node reports failures of several addresses as one error without a message. */
function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const inner = error instanceof AggregateError ? (error.errors[0] as NodeJS.ErrnoException | undefined)?.code : undefined;
  return message || code || inner || 'no reason given';
}

/**
 * The output of a failed startup: one line per problem that an operator can fix, otherwise `otherwise`, by default a stack for an
 * unexpected error.
 */
export function explainStartupError(error: unknown, otherwise = `Startup failed: ${stackOf(error)}`): string {
  return error instanceof StartupError ? error.message : createRedactor()(otherwise);
}

const stackOf = (error: unknown) => (error instanceof Error ? error.stack : String(error));
