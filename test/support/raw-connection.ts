import { once } from 'node:events';
import net from 'node:net';
import { until } from './until.js';

/** A connection spoken to byte by byte, which a client of HTTP would not do. */
export class RawConnection {
  received = '';
  closed = false;

  private constructor(readonly socket: net.Socket) {
    socket.setEncoding('utf8').on('data', (text: string) => {
      this.received += text;
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.closed = true;
    });
  }

  static async to(url: string): Promise<RawConnection> {
    const { hostname, port } = new URL(url);
    const socket = net.connect(Number(port), hostname);
    await once(socket, 'connect');
    return new RawConnection(socket);
  }

  /** Sends these lines as the head of a request, and what comes after it. */
  request(lines: readonly string[], body = ''): this {
    this.socket.write(`${lines.join('\r\n')}\r\n\r\n${body}`);
    return this;
  }

  /** The status of the first answer; 0 when the connection was closed without one. */
  async status(): Promise<number> {
    await until(() => this.closed || this.received.includes('\r\n\r\n'), 'an answer');
    return Number(/^HTTP\/1\.1 (\d+)/.exec(this.received)?.[1] ?? 0);
  }

  async closing(): Promise<void> {
    await until(() => this.closed, 'closed');
  }
}
