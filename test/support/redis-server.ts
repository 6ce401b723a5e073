import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { freePort } from './free-port.js';
import { until } from './until.js';

/** A redis-server of our own on a free port of loopback, which tests kill and start again. */
export class RedisServer {
  private child: ChildProcess | null = null;

  private constructor(
    readonly port: number,
    private readonly directory: string,
  ) {}

  static async start(): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), mkdtempSync(path.join(os.tmpdir(), 'boxoffice-redis-')));
    await server.start();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const settings = { port: String(this.port), bind: '127.0.0.1', save: '', appendonly: 'no', dir: this.directory };
    const child = spawn(
      'redis-server',
      Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
      {
        stdio: 'ignore',
      },
    );
    this.child = child;
    let failure: Error | null = null;
    child.on('error', (error) => {
      failure = error;
    });
    await until(async () => {
      if (failure) throw failure;
      return answers(this.port);
    }, 'redis-server answers');
  }

  /** Returns whether there was one to kill. */
  async kill(): Promise<boolean> {
    const child = this.child;
    this.child = null;
    if (!child || child.exitCode !== null) return false;
    child.kill('SIGKILL');
    await once(child, 'exit');
    return child.signalCode === 'SIGKILL';
  }

  /** Stops answering without closing a connection, until SIGCONT. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.child?.kill(signal);
  }

  async close(): Promise<void> {
    this.signal('SIGCONT');
    await this.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.on('error', () => end(false));
    socket.on('connect', () => socket.write('PING\r\n'));
    socket.on('data', (data) => end(data.toString().startsWith('+PONG')));
  });
}
