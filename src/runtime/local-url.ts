/** The URL of a server on this machine, for clients on this machine. One that listens on all interfaces is reached over loopback. */
export function localUrl({ host, port }: { host: string; port: number }): string {
  if (host === '0.0.0.0' || host === '::') return `http://127.0.0.1:${port}`;
  // https://www.rfc-editor.org/rfc/rfc3986#section-3.2.2
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
