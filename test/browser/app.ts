import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import axe from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { freePort } from '../support/free-port.js';
import { inheritedEnvironment } from '../support/inherited-environment.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';

/** How long a page may take to show something. The machine may run two browsers, their servers and other tests. */
export const WAIT_MS = 45_000;

const executable = [process.env.CHROMIUM_PATH, '/usr/bin/chromium'].find((file) => file && existsSync(file));

/** Why the browser tests cannot run here; undefined when they can. With CI=true they must. */
export function whyNoBrowser(): string | undefined {
  if (executable) return undefined;
  const why = 'no chromium at CHROMIUM_PATH or /usr/bin/chromium';
  if (process.env.CI === 'true') throw new Error(`The browser tests must run in CI, but there is ${why}.`);
  return why;
}

/** The whole product as `npm start` runs it, but on a database of the tests, and a browser in front of it. */
export class App {
  private readonly faults: string[] = [];

  private constructor(
    readonly url: string,
    private readonly sandboxPort: number,
    private readonly server: ChildProcess,
    private readonly browser: Browser,
    private readonly dataDirectory: string,
    private readonly database: TestDatabase,
    private readonly greeting: string,
  ) {}

  static async open(environment: Readonly<Record<string, string>> = {}): Promise<App> {
    const dataDirectory = mkdtempSync(path.join(tmpdir(), 'boxoffice browser '));
    const database = await testDatabase();
    const [port, sandboxPort] = [await freePort(), await freePort()];
    const url = `http://127.0.0.1:${port}`;
    const server = spawn(process.execPath, ['--enable-source-maps', 'dist/src/main.js'], {
      env: {
        ...inheritedEnvironment(),
        HOME: process.env.HOME,
        PORT: String(port),
        SANDBOX_PORT: String(sandboxPort),
        DATA_DIR: dataDirectory,
        DATABASE_URL: database.url,
        PUBLIC_URL: url,
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [server.stdout, server.stderr]) stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const deadline = Date.now() + 60_000;
    while (!(await answers(`${url}/readyz`))) {
      if (server.exitCode !== null || Date.now() > deadline) {
        server.kill('SIGKILL');
        throw new Error(`The server did not start:\n${output}`);
      }
      await pause();
    }
    // Debian's chromium rasterises on a GPU, which a test machine emulates at a high price.
    const args = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--disable-software-rasterizer'];
    const browser = await chromium.launch({ executablePath: executable, args });
    return new App(url, sandboxPort, server, browser, dataDirectory, database, output);
  }

  /** One of the tokens that the server printed when it was ready. */
  token(role: 'viewer' | 'service' | 'admin'): string {
    const token = new RegExp(`^ +${role} +(\\S+)$`, 'm').exec(this.greeting)?.[1];
    if (!token) throw new Error(`No token of ${role} was printed:\n${this.greeting}`);
    return token;
  }

  /** Dates what the viewer has missed to years ago, so that their cursors have expired. */
  async expireCursors(userId: string): Promise<void> {
    await this.database.pastTriggers(`update journal set created_at = '2000-01-01' where user_id = '${userId}'`);
  }

  /** Lets time pass at the sandbox: what would become due there meanwhile is done at once. */
  async passTimeAtStripe(seconds: number): Promise<void> {
    const response = await fetch(`http://127.0.0.1:${this.sandboxPort}/sandbox/clock`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ advanceMs: seconds * 1_000 }),
    });
    if (!response.ok) throw new Error(await response.text());
  }

  /** A tab of a browser of its own; what its console complains about is kept. */
  async tab(address: string, options: BrowserContextOptions = {}): Promise<Page> {
    const context = await this.browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(WAIT_MS);
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) this.faults.push(`${page.url()}: ${message.text()}`);
    });
    page.on('pageerror', (error) => this.faults.push(`${page.url()}: ${error.message}`));
    await page.goto(`${this.url}${address}`);
    return page;
  }

  /** What browsers complained about since it was last asked. */
  takeFaults(): string[] {
    return this.faults.splice(0);
  }

  async close(): Promise<void> {
    await this.browser.close();
    if (this.server.exitCode === null) {
      const ended = new Promise((resolve) => this.server.once('exit', resolve));
      this.server.kill('SIGTERM');
      await ended;
    }
    await this.database.drop();
    rmSync(this.dataDirectory, { recursive: true, force: true });
  }
}

/** Kept for the README when SCREENSHOTS=true, of a window as high as said. */
export async function keepPicture(page: Page, name: string, height?: number): Promise<void> {
  if (process.env.SCREENSHOTS !== 'true') return;
  const size = page.viewportSize();
  if (size && height) await page.setViewportSize({ ...size, height });
  await page.screenshot({ path: `docs/images/${name}.png` });
  if (size) await page.setViewportSize(size);
}

/** How much of the page is cut off at the right of its window. */
export function overflowPixels(page: Page): Promise<number> {
  return page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
}

/** The page's violations of WCAG 2.2 (A and AA), as far as axe-core can detect them: rule and place. */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { axe: tool } = globalThis as unknown as {
      axe: { run(options: object): Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }> };
    };
    const { violations } = await tool.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] });
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`));
  });
}

async function answers(address: string): Promise<boolean> {
  return fetch(address).then(
    (response) => response.ok,
    () => false,
  );
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 100));
}
