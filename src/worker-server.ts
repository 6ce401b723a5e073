import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** `GET /healthz` of a worker: 200 while `check` succeeds, 503 else. Nothing else is served. */
export async function startWorkerServer(
  address: { host: string; port: number },
  check: () => Promise<unknown>,
): Promise<{ port: number; stop(): void }> {
  const server: Server = createServer((request, response) => {
    const answer = (status: number, text: string) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ status: text }));
    if (request.method !== 'GET' || request.url !== '/healthz') return answer(404, 'nothing here');
    return check().then(
      () => answer(200, 'alive'),
      () => answer(503, 'the database is out of reach'),
    );
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(address.port, address.host, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
