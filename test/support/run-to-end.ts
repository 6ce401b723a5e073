import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { freePort } from './free-port.js';
import { inheritedEnvironment } from './inherited-environment.js';

/**
 * Runs a script of dist/src, as it is shipped, to its end: its exit code and what it wrote. `environment` should have DATABASE_URL, and
 * `words` are the script's arguments.
 */
export async function runToEnd(script: string, environment: Readonly<Record<string, string>>, words: readonly string[] = []) {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'boxoffice-run-'));
  const child = spawn(process.execPath, [path.resolve('dist/src', script), ...words], {
    env: {
      ...inheritedEnvironment(),
      DATA_DIR: directory,
      PORT: String(await freePort()),
      DEMO: 'false',
      STRIPE_SECRET_KEY: 'sk_test_nobody',
      STRIPE_WEBHOOK_SECRET: 'whsec_nobody',
      STRIPE_API_URL: 'http://127.0.0.1:9',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output.out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    output.err += text;
  });
  const [code] = await once(child, 'close');
  rmSync(directory, { recursive: true, force: true });
  return { code: code as number | null, ...output };
}
