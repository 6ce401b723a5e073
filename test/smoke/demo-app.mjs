import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { freePort, until } from './waiting.mjs';

const READY_MS = 60_000;

/** The server as `npm start` runs it, on data of its own that begin with the demo's. It may be stopped and started again. */
export class DemoApp {
  static async create() {
    const app = new DemoApp();
    app.home = mkdtempSync(path.join(os.tmpdir(), 'boxoffice-documented-'));
    // As root the database runs under another account, which must reach its directory here; else it would be kept elsewhere.
    chmodSync(app.home, 0o755);
    app.ports = { PORT: await freePort(), SANDBOX_PORT: await freePort() };
    app.url = `http://127.0.0.1:${app.ports.PORT}`;
    return app;
  }

  async start() {
    const { PATH, HOME } = process.env;
    const env = { PATH, HOME, ...this.ports, DATA_DIR: path.join(this.home, 'data'), PUBLIC_URL: this.url };
    this.server = spawn(process.execPath, ['dist/src/main.js'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [this.server.stdout, this.server.stderr])
      stream.on('data', (chunk) => {
        output += chunk;
      });
    this.ended = new Promise((resolve) => this.server.once('exit', resolve));
    const isReady = () => {
      if (this.server.exitCode !== null) throw new Error(`the server ended:\n${output}`);
      return fetch(`${this.url}/readyz`).then(
        (response) => response.ok,
        () => false,
      );
    };
    await until(isReady, 'the server is ready', READY_MS);
  }

  /** The token that the playground fills in for a role: `viewer`, `service` or `admin`. */
  async tokenOf(role) {
    const tokens = await (await fetch(`${this.url}/playground/tokens`)).json();
    return tokens.find(({ name }) => name === role).token;
  }

  async stop() {
    this.server?.kill('SIGTERM');
    await this.ended;
  }

  async remove() {
    await this.stop();
    rmSync(this.home, { recursive: true, force: true });
  }
}
