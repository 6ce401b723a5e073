import net from 'node:net';
import { createRedactor } from './redact.js';

/** Why it does not start, one line for each fault, in words that tell an operator what to do. */
export class StartupError extends Error {
  override readonly name: string = 'StartupError';

  constructor(readonly lines: readonly string[]) {
    super(lines.join('\n'));
  }
}

/**
 * Looks whether the ports can be listened on before anything is started: a start that fails at its end would have made a
 * database first. Ends in StartupError with a line for each port.
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
    return `HOST: ${host} is no address of this machine (${code}). Set HOST to 127.0.0.1 or 0.0.0.0.`;
  }
  return `${variable}: ${host}:${port} cannot be listened on: ${message}`;
}

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
const NO_SUCH_DATABASE = '3D000';

/** A store that does not answer, without the password that its URL may hold. */
export function unreachable(variable: string, url: string, error: unknown): StartupError {
  // Not by URL: MongoDB's may list several hosts.
  const host = url.replace(/^[^:]+:\/\/(?:[^/]*@)?/, '').replace(/[/?].*$/, '');
  const remedy = (error as { code?: unknown }).code === NO_SUCH_DATABASE ? 'Create that database' : 'Start that server';
  return new StartupError([`${variable}: ${host} cannot be used (${reasonOf(error)}). ${remedy}, or correct the URL.`]);
}

/** Node gives several addresses' failures as one error without a message. */
function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const inner = error instanceof AggregateError ? (error.errors[0] as NodeJS.ErrnoException | undefined)?.code : undefined;
  return message || code || inner || 'no reason given';
}

/**
 * What a failed start tells: one line for each fault that an operator can mend, else `otherwise`, which is a stack where
 * nothing is given: for a defect.
 */
export function explainStartupError(error: unknown, otherwise = `The start failed: ${stackOf(error)}`): string {
  return error instanceof StartupError ? error.message : createRedactor()(otherwise);
}

const stackOf = (error: unknown) => (error instanceof Error ? error.stack : String(error));
