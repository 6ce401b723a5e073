import type { IncomingMessage } from 'node:http';

/** A host and an optional port, without anything that could be parsed as a user, a path or a query. */
const HOST = /^(?:\[[0-9a-f:.]+\]|[^\s:/?#@\\[\]]+)(?::\d*)?$/i;

/**
 * The host name in a Host header, without its port and normalised: lower case, compressed IPv6, no trailing dot. Null if it is not a
 * host: https://www.rfc-editor.org/rfc/rfc9110#section-7.2
 */
export function hostnameOf(host: string): string | null {
  if (!HOST.test(host)) return null;
  const url = `http://${host}`;
  return URL.canParse(url) ? new URL(url).hostname.replace(/\.$/, '') : null;
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

const isAllowed = (name: string | null, names: ReadonlySet<string>) =>
  // Subdomains of localhost are loopback too: https://www.rfc-editor.org/rfc/rfc6761#section-6.3
  name !== null && (LOOPBACK.has(name) || name.endsWith('.localhost') || names.has(name));

/**
 * Whether a request is addressed to this server. A page of another site can make its own name resolve to 127.0.0.1 (DNS rebinding) and
 * then read what a development server returns; its requests can be recognised by their host. `names`: allowed hosts besides loopback.
 */
export function isForAllowedHost(request: Pick<IncomingMessage, 'url' | 'rawHeaders'>, names: ReadonlySet<string>): boolean {
  const { url = '', rawHeaders } = request;
  const hosts = rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === 'host');
  // Several Host headers are an attempt at ambiguity: https://www.rfc-editor.org/rfc/rfc9112#section-3.2
  if (hosts.length !== 1) return false;
  // In absolute form, the target has its own host: https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2
  const target = url.startsWith('/') ? [] : [/^https?:\/\/([^/?#]*)/i.exec(url)?.[1] ?? ''];
  return [...hosts, ...target].every((host) => isAllowed(hostnameOf(host), names));
}
