import { Command, Redis, type RedisOptions } from 'ioredis';

type SendArguments = Parameters<Redis['sendCommand']>;

/** ioredis's message for a command that took longer than `commandTimeout`: https://github.com/redis/ioredis#error-handling */
const TIMED_OUT = 'Command timed out';

/** Rejects a command immediately instead of waiting for an unresponsive Redis. */
export class RedisSilent extends Error {
  override readonly name = 'RedisSilent';

  constructor() {
    super('Redis is not responding; it will be retried soon');
  }
}

/**
 * A connection with a circuit breaker: https://martinfowler.com/bliki/CircuitBreaker.html. If a server is down, commands fail immediately,
 * but if it accepts them and never responds, each request would take the whole timeout. After the first timeout, commands throw
 * RedisSilent; after `retryAfterMs`, a PING, which no request waits for, checks whether the circuit can be closed. If it is not answered
 * either, a new connection is opened, which is used for commands only once the server has responded on it.
 */
export class CircuitRedis extends Redis {
  private isOpen = false;
  private probe: NodeJS.Timeout | undefined;

  constructor(
    url: string,
    options: RedisOptions,
    private readonly retryAfterMs: number,
  ) {
    super(url, options);
    this.on('ready', () => this.closeCircuit());
    this.on('end', () => this.closeCircuit());
  }

  override sendCommand(...[command, stream]: SendArguments): unknown {
    if (this.status !== 'ready') return super.sendCommand(command, stream);
    if (this.isOpen) {
      command.reject(new RedisSilent());
      return command.promise;
    }
    const sent = super.sendCommand(command, stream);
    command.promise.catch((error: Error) => {
      if (error.message === TIMED_OUT) this.openCircuit();
    });
    return sent;
  }

  private openCircuit(): void {
    if (this.isOpen || this.status !== 'ready') return;
    this.isOpen = true;
    this.probe = setTimeout(() => this.sendProbe(), this.retryAfterMs);
    this.probe.unref();
  }

  private closeCircuit(): void {
    this.isOpen = false;
    clearTimeout(this.probe);
  }

  private sendProbe(): void {
    if (this.status !== 'ready') return;
    const ping = new Command('ping', [], { replyEncoding: 'utf8' });
    ping.promise.then(
      () => this.closeCircuit(),
      () => this.disconnect(true),
    );
    super.sendCommand(ping);
  }
}
