import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** What is no address at all: all such requests are counted as one client. */
const UNKNOWN = 'unknown';

/**
 * What a client's address is counted by. One IPv6 client is given a whole /64 (https://www.rfc-editor.org/rfc/rfc6177), so it is
 * counted by that; an IPv4 address is the same whether it is written as such or mapped into IPv6. Every way to write an address
 * gives the same key. Proxies may add the port, as Azure's gateways do to X-Forwarded-For.
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

/** `[2001:db8::1]:443` and `192.0.2.1:443` without what is not the address. */
function withoutPort(text: string): string {
  const [, bracketed, plain] = /^"?(?:\[([^\]]*)\](?::\d{1,5})?|([\d.]+):\d{1,5})"?$/.exec(text) ?? [];
  return bracketed ?? plain ?? text;
}

/** A zone means something on the machine that wrote it and nowhere else: https://www.rfc-editor.org/rfc/rfc4007#section-11 */
const withoutZone = (address: string): string => address.split('%', 1)[0] as string;
