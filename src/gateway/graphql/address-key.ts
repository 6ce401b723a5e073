import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** The key of everything that is not an address: all such requests count as one client. */
const UNKNOWN = 'unknown';

/**
 * The key under which a client's address is counted. An IPv6 client usually has a whole /64 (https://www.rfc-editor.org/rfc/rfc6177), so
 * that is its key; an IPv4 address mapped into IPv6 counts as IPv4. Every spelling of an address gives the same key. Proxies may add the
 * port, as Azure's gateways do to X-Forwarded-For.
 */
export function addressKey(text: string): string {
  const address = withoutZone(withoutPort(text.trim()));
  const version = isIP(address);
  if (version === 4) return address;
  if (version !== 6) return UNKNOWN;
  const parsed = ipaddr.IPv6.parse(address);
  if (parsed.isIPv4MappedAddress()) return parsed.toIPv4Address().toString();
  const network = parsed.parts.slice(0, 4).map((part) => part.toString(16));
  return `${network.join(':')}::/64`;
}

/** Removes the port and brackets from `[2001:db8::1]:443` and `192.0.2.1:443`. */
function withoutPort(text: string): string {
  const [, bracketed, plain] = /^"?(?:\[([^\]]*)\](?::\d{1,5})?|([\d.]+):\d{1,5})"?$/.exec(text) ?? [];
  return bracketed ?? plain ?? text;
}

/** A zone is meaningful only on the machine that wrote it: https://www.rfc-editor.org/rfc/rfc4007#section-11 */
const withoutZone = (address: string): string => address.split('%', 1)[0] as string;
