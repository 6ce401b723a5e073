import net from 'node:net';
import { createRedactor } from './redact.js';

/** Why the process cannot start: one line per problem, each with what an operator can do about it. */
export class StartupError extends Error {
  override readonly name: string = 'StartupError';

  constructor(readonly lines: readonly string[]) {
    super(lines.join('\n'));
  }
}

/**
 * Checks that the ports are free before anything is started: otherwise a startup would create a database before it fails.
 *
 * @throws StartupError with a line per port
 */
export async function checkPorts({ host, port }: { host: string; port: number }, sandboxPort?: number): Promise<void> {
  const wanted: [variable: string, host: string, port: number][] = [['PORT', host, port]];
  if (sandboxPort) wanted.push(['SANDBOX_PORT', '127.0.0.1', sandboxPort]);
  const lines = await Promise.all(wanted.map(([variable, host, port]) => faultOfPort(variable, host, port)));
  const faults = lines.filter((line) => line !== undefined);
  if (faults.length > 0) throw new StartupError(faults);
}

function faultOfPort(variable: string, host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(portLine(variable, host, port, error)));
    server.listen({ host, port }, () => server.close(() => resolve(undefined)));
  });
}

function portLine(variable: string, host: string, port: number, { code, message }: NodeJS.ErrnoException): string {
  if (code === 'EADDRINUSE') {
    return `${variable}: ${port} is in use on ${host} by another process. Stop it, or set ${variable} to a free port.`;
  }
  if (code === 'EACCES') return `${variable}: this user may not listen on ${port}. Set ${variable} to a port above 1023.`;
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return `HOST: ${host} is not an address of this machine (${code}). Set HOST to 127.0.0.1 or 0.0.0.0.`;
  }
  return `${variable}: ${host}:${port} cannot be listened on: ${message}`;
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
