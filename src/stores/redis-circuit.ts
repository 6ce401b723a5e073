import { Command, Redis, type RedisOptions } from 'ioredis';

type SendArguments = Parameters<Redis['sendCommand']>;

/** Of ioredis, for a command that took longer than `commandTimeout`: https://github.com/redis/ioredis#error-handling */
const TIMED_OUT = 'Command timed out';

/** Fails a command at once instead of waiting for a Redis that has stopped answering. */
export class RedisSilent extends Error {
  override readonly name = 'RedisSilent';

  constructor() {
    super('Redis does not answer; it will be tried again soon');
  }
}

/**
 * A connection with a circuit breaker: https://martinfowler.com/bliki/CircuitBreaker.html. A server that is down fails commands at
 * once; one that accepts them and never answers would cost each request the whole timeout. After the first timeout commands fail
 * with RedisSilent; `retryAfterMs` later one PING of our own, for which no request waits, finds out whether they may pass again.
 * When it is not answered either, a new connection is opened, which carries commands only once the server has answered on it.
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
