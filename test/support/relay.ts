import { once } from 'node:events';
import net from 'node:net';
import { Transform } from 'node:stream';

/** A port of the loopback that hands everything on to another one, which may change: a server that comes back elsewhere. */
export class Relay {
  private readonly server = net.createServer((client) => this.join(client));
  private readonly sockets = new Set<net.Socket>();
  /** How long everything takes that passes from now on. */
  delayMs = 0;

  /** `target`: the port that it hands on to; connections that it refuses are broken. */
  constructor(public target: number) {}

  async start(): Promise<number> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return (this.server.address() as net.AddressInfo).port;
  }

  /** From now on the connections that there are carry nothing, and say nothing of it: a line that was cut far away. */
  silence(): void {
    for (const socket of this.sockets) socket.unpipe().pause();
  }

  /** Breaks every connection; returns how many ends there were. */
  cut(): number {
    const count = this.sockets.size;
    for (const socket of this.sockets) socket.destroy();
    return count;
  }

  async stop(): Promise<void> {
    this.cut();
    this.server.close();
    await once(this.server, 'close');
  }

  private join(client: net.Socket): void {
    const server = net.connect(this.target, '127.0.0.1');
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(this.slowly()).pipe(other);
    }
  }

  /** One piece after the other, so that a changed delay never changes their order. */
  private slowly(): Transform {
    return new Transform({
      transform: (piece, _encoding, done) => {
        if (this.delayMs === 0) done(null, piece);
        else setTimeout(() => done(null, piece), this.delayMs);
      },
    });
  }
}
