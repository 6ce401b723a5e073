import net from 'node:net';
import { StartupError } from './startup-error.js';

/** The URL of a server on this machine, for clients on this machine. One that listens on all interfaces is reached over loopback. */
export function localUrl({ host, port }: { host: string; port: number }): string {
  if (host === '0.0.0.0' || host === '::') return `http://127.0.0.1:${port}`;
  // https://www.rfc-editor.org/rfc/rfc3986#section-3.2.2
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
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
