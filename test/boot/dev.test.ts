import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { freePort } from '../support/free-port.js';
import { until } from '../support/until.js';

const COPIED = ['src', 'migrations', 'packages', 'public', 'scripts', 'dist'];
const COPIED_FILES = ['mikro-orm.config.ts', 'schema.graphql', 'package.json', 'tsconfig.json', 'tsconfig.build.json'];

let home: string;
let child: ChildProcess;
let url: string;
let output = '';

beforeAll(async () => {
  home = mkdtempSync(path.join(os.tmpdir(), 'boxoffice-dev-'));
  chmodSync(home, 0o755);
  for (const name of [...COPIED, ...COPIED_FILES]) cpSync(name, path.join(home, name), { recursive: true });
  symlinkSync(path.resolve('node_modules'), path.join(home, 'node_modules'));
  const [port, sandboxPort] = [await freePort(), await freePort()];
  url = `http://127.0.0.1:${port}`;
  child = spawn(process.execPath, ['scripts/dev.js'], {
    cwd: home,
    env: { PATH: process.env.PATH, PORT: String(port), SANDBOX_PORT: String(sandboxPort) },
  });
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (text) => {
      output += text;
    });
  await soon(() => timesReady() === 1);
});

afterAll(async () => {
  await stop();
  rmSync(home, { recursive: true, force: true });
});

async function stop(): Promise<void> {
  if (child.exitCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

/** Processes that work in a directory. */
function processesIn(directory: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/cwd`).startsWith(directory);
    } catch {
      // It has ended meanwhile.
      return false;
    }
  });
}

/** Waits up to 30 s; a failure shows the output so far. */
const soon = (condition: () => boolean) => until(condition, () => `${condition}; the output was:\n${output}`, 30_000);

const timesReady = () => output.split('Boxoffice is ready.').length - 1;

async function ask(query: string) {
  const token = /admin +(\S+)/.exec(output)?.[1];
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const response = await fetch(`${url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query }) });
  return (await response.json()) as { data: unknown };
}

const change = (file: string, text: string) => appendFileSync(path.join(home, file), text);

test('npm run dev runs what was changed, keeps the data, and passes over what cannot be read', async () => {
  const kept = randomUUID();
  const film = { data: { film: { title: 'Kept' } } };
  await ask(`mutation { createFilms(input: [{ id: "${kept}", title: "Kept" }]) { errors { message } } }`);

  change('src/main.ts', `\nconsole.log('changed once');\n`);
  await soon(() => timesReady() === 2 && output.includes('changed once'));
  expect(await ask(`{ film(id: "${kept}") { title } }`)).toEqual(film);

  change('src/main.ts', '\nconsole.log("changed" +;\n');
  await soon(() => output.includes('Expression expected'));
  expect(await ask(`{ film(id: "${kept}") { title } }`)).toEqual(film);
  expect(timesReady()).toBe(2);

  cpSync('src/main.ts', path.join(home, 'src/main.ts'));
  writeFileSync(path.join(home, 'src/fresh.ts'), `console.log('a new file');\n`);
  change('src/main.ts', `\nawait import('./fresh.js');\n`);
  await soon(() => timesReady() === 3 && output.includes('a new file'));

  change('schema.graphql', '\n# changed\n');
  await soon(() => timesReady() === 4);

  expect(processesIn(home)).not.toEqual([]);
  await stop();
  await soon(() => processesIn(home).length === 0);
});
