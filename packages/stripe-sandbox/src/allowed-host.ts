import type { IncomingMessage } from 'node:http';

/** A host and an optional port: nothing that could be parsed as a user, a path or a query. */
const HOST = /^(?:\[[0-9a-f:.]+\]|[^\s:/?#@\\[\]]+)(?::\d*)?$/i;

/**
 * Returns the normalized name in a Host header: without the port, lower case, IPv6 compressed, no trailing dot. Null if it is not a
 * valid host: https://www.rfc-editor.org/rfc/rfc9110#section-7.2
 */
export function hostnameOf(host: string): string | null {
  if (!HOST.test(host)) return null;
  const url = `http://${host}`;
  return URL.canParse(url) ? new URL(url).hostname.replace(/\.$/, '') : null;
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

const isAllowed = (name: string | null, names: ReadonlySet<string>) =>
  // Subdomains of localhost are loopback names too: https://www.rfc-editor.org/rfc/rfc6761#section-6.3
  name !== null && (LOOPBACK.has(name) || name.endsWith('.localhost') || names.has(name));

/**
 * Whether a request is meant for this server. Another site can make its own name resolve to 127.0.0.1 (DNS rebinding) and then read
 * the responses of a development server; the Host header of such requests has that site's name. `names`: allowed hosts in addition to
 * loopback names.
 */
export function isForAllowedHost(request: Pick<IncomingMessage, 'url' | 'rawHeaders'>, names: ReadonlySet<string>): boolean {
  const { url = '', rawHeaders } = request;
  const hosts = rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === 'host');
  // Several Host headers are an attempt at request smuggling: https://www.rfc-editor.org/rfc/rfc9112#section-3.2
  if (hosts.length !== 1) return false;
  // An absolute-form target contains a host of its own: https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2
  const target = url.startsWith('/') ? [] : [/^https?:\/\/([^/?#]*)/i.exec(url)?.[1] ?? ''];
  return [...hosts, ...target].every((host) => isAllowed(hostnameOf(host), names));
}
