import type { IncomingMessage } from 'node:http';

/** A host and, if any, a port: nothing that could be taken for a user, a path or a query. */
const HOST = /^(?:\[[0-9a-f:.]+\]|[^\s:/?#@\\[\]]+)(?::\d*)?$/i;

/**
 * The name in a Host header, without its port and in one spelling: lower case, IPv6 compressed, no dot at its end. Null for what
 * is no host: https://www.rfc-editor.org/rfc/rfc9110#section-7.2
 */
export function hostnameOf(host: string): string | null {
  if (!HOST.test(host)) return null;
  const url = `http://${host}`;
  return URL.canParse(url) ? new URL(url).hostname.replace(/\.$/, '') : null;
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

const isAllowed = (name: string | null, names: ReadonlySet<string>) =>
  // Names below localhost are the loopback's too: https://www.rfc-editor.org/rfc/rfc6761#section-6.3
  name !== null && (LOOPBACK.has(name) || name.endsWith('.localhost') || names.has(name));

/**
 * Whether a request is meant for this server. A page of another site can have its own name resolve to 127.0.0.1 (DNS rebinding)
 * and then read what a development server gives out; the name in its requests gives it away. `names`: hosts beside the loopback's.
 */
export function isForAllowedHost(request: Pick<IncomingMessage, 'url' | 'rawHeaders'>, names: ReadonlySet<string>): boolean {
  const { url = '', rawHeaders } = request;
  const hosts = rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === 'host');
  // More than one Host is an attempt to be read in two ways: https://www.rfc-editor.org/rfc/rfc9112#section-3.2
  if (hosts.length !== 1) return false;
  // In the absolute form the target has a host of its own: https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2
  const target = url.startsWith('/') ? [] : [/^https?:\/\/([^/?#]*)/i.exec(url)?.[1] ?? ''];
  return [...hosts, ...target].every((host) => isAllowed(hostnameOf(host), names));
}
