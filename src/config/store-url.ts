import type { z } from 'zod';
import type { Environment } from './env.js';

/** The scheme, the optional user and password before an `@`, and the rest. */
const PARTS = /^([a-z][a-z0-9+.-]*:\/\/)(?:([^@/?#]*)@)?(.*)$/i;

/**
 * The URL of a store, from `<name>_URL`, with the password from `<name>_PASSWORD` inserted. Unlike in a URL, where some characters must
 * be encoded, that password may contain any characters: https://www.rfc-editor.org/rfc/rfc3986#section-3.2.1
 */
export function readStoreUrl(environment: Environment, name: string, schema: z.ZodType<string, string>): string | undefined {
  const url = environment.optional(`${name}_URL`, schema, { secret: true });
  const password = environment.raw(`${name}_PASSWORD`);
  if (!url || !password) return url;
  const [, scheme = '', account = '', rest = ''] = PARTS.exec(url) ?? [];
  const [user = '', ownPassword = ''] = account.split(':');
  if (ownPassword !== '') {
    environment.refuse(`${name}_PASSWORD`, `is set, and ${name}_URL has a password too`, 'Keep one of them.');
  }
  return `${scheme}${user}:${encodeURIComponent(password)}@${rest}`;
}
