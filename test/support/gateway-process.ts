import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { freePort } from './free-port.js';
import { inheritedEnvironment } from './inherited-environment.js';
import { SECRET } from './tokens.js';
import { until } from './until.js';

/** A gateway (or, by its script, a worker) in a process of its own, as it is shipped, that can be stopped and started again on its port. */
export class GatewayProcess {
  private child: ChildProcess | null = null;
  private readonly directory = mkdtempSync(path.join(os.tmpdir(), 'boxoffice-gateway-'));
  /** What it has written to standard output and standard error. */
  written = '';

  private constructor(
    readonly port: number,
    private readonly environment: Readonly<Record<string, string>>,
    private readonly script: string,
  ) {}

  /** `environment` must have DATABASE_URL. `script` is below `build`, the output of a build. */
  static async on(environment: Readonly<Record<string, string>>, script = 'main.js', build = 'dist'): Promise<GatewayProcess> {
    return new GatewayProcess(await freePort(), environment, path.resolve(build, 'src', script));
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Starts it and waits until it is ready. */
  async start(): Promise<void> {
    await this.launch();
    await until(async () => (await this.readiness())?.status === 'ready', `${this.url} is ready`, 60_000).catch((error) => {
      throw new Error(`${(error as Error).message}\n${this.written}`);
    });
  }

  async launch(): Promise<void> {
    const child = spawn(process.execPath, [this.script], {
      env: {
        ...inheritedEnvironment(),
        DATA_DIR: this.directory,
        PORT: String(this.port),
        JWT_SECRET: SECRET,
        STRIPE_SECRET_KEY: 'sk_test_nobody',
        STRIPE_WEBHOOK_SECRET: 'whsec_nobody',
        STRIPE_API_URL: 'http://127.0.0.1:9',
        DEMO: 'false',
        PLAYGROUND: 'off',
        RATE_LIMITS: 'false',
        PROBE_CACHE_MS: '0',
        LOG_LEVEL: 'silent',
        ...this.environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.written += text;
      });
    }
  }

  async readiness(): Promise<{ status: string; dependencies: Record<string, { ready: boolean; state?: string }> } | null> {
    const response = await fetch(`${this.url}/readyz`).catch(() => null);
    return response ? ((await response.json()) as never) : null;
  }

  /** The process that was started last. */
  isRunning(): boolean {
    return this.child !== null && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Does nothing when it does not run. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    if (this.isRunning()) this.child?.kill(signal);
  }

  /** Returns the exit code; null after a signal that ended it, or when it did not run. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    const child = this.child;
    this.child = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return null;
    const exited = once(child, 'exit');
    child.kill(signal);
    return (await exited)[0] as number | null;
  }

  async close(): Promise<void> {
    await this.end('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }
}
