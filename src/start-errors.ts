import { ConfigError } from './environment.js';
import { EmbeddedPostgresError } from './stores/embedded-postgres.js';

/** What a failed start tells the operator: one line for each fault, and what to do; not a stack, if the cause is known. */
export function explainStartError(error: unknown): string {
  if (error instanceof ConfigError || error instanceof EmbeddedPostgresError) return error.message;
  const { code, port, address, message, stack } = error as NodeJS.ErrnoException & { port?: number; address?: string };
  if (code === 'EADDRINUSE')
    return `Port ${port} on ${address} is in use. Stop what uses it, or set PORT (SANDBOX_PORT for the sandbox) to another.`;
  if (code === 'EACCES' && port !== undefined) return `Port ${port} may not be used by this account. Set PORT to one above 1023.`;
  if (code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'ETIMEDOUT' || code === '28P01' || code === '3D000') {
    return `The database (or job store) cannot be reached: ${message || code}. Check DATABASE_URL and MONGODB_URL.`;
  }
  return stack ?? String(message);
}
