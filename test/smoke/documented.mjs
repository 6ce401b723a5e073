// What the docs show is what happens: against a server on fresh data, docs/api.md is made again and compared (or written, with
// --write), and the typed clients of examples/ are installed, generated, compiled and run.
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { freePort, until } from './waiting.mjs';

const root = path.resolve(import.meta.dirname, '../..');
const examples = path.join(root, 'examples');
const write = process.argv.includes('--write');
const home = mkdtempSync(path.join(os.tmpdir(), 'boxoffice-documented-'));
// As root the database runs under another account, which must reach its directory here; else it would be kept elsewhere.
chmodSync(home, 0o755);

/** The output, once the command has ended with 0. */
function run(command, args, { cwd = root, env = process.env } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        output += chunk;
      });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(output);
      else reject(new Error(`${command} ${args.join(' ')} ended with ${code}:\n${output}`));
    });
  });
}

async function start() {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const { PATH, HOME } = process.env;
  const env = { PATH, HOME, PORT: port, SANDBOX_PORT: await freePort(), DATA_DIR: path.join(home, 'data'), PUBLIC_URL: url };
  const server = spawn(process.execPath, ['dist/src/main.js'], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [server.stdout, server.stderr])
    stream.on('data', (chunk) => {
      output += chunk;
    });
  const ended = new Promise((resolve) => server.once('exit', resolve));
  const ready = () => {
    if (server.exitCode !== null) throw new Error(`the server ended:\n${output}`);
    return fetch(`${url}/readyz`).then(
      (response) => response.ok,
      () => false,
    );
  };
  const stop = () => {
    server.kill('SIGTERM');
    return ended;
  };
  try {
    await until(ready, 'the server is ready', 60_000);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, stop };
}

async function checkExamples(url) {
  // The root's npm settings (and its node_modules/.bin, first on the path) are not those of the examples.
  const npm = (...args) => run('npm', args, { cwd: examples });
  await npm('ci', '--no-audit', '--no-fund');
  await npm('run', 'build');
  console.log('  ok  the examples install, their types are generated, they compile');
  const tokens = await (await fetch(`${url}/playground/tokens`)).json();
  const { token } = tokens.find(({ name }) => name === 'viewer');
  for (const client of ['apollo', 'urql']) {
    const env = { ...process.env, BOXOFFICE_URL: url, BOXOFFICE_TOKEN: token };
    const output = await run(process.execPath, [`dist/${client}.js`], { cwd: examples, env });
    console.log(output.trim().replace(/^/gm, '      '));
    console.log(`  ok  ${client}: bought, watched live, lost the line, went on without a gap`);
  }
}

let server;
try {
  server = await start();
  console.log((await run(process.execPath, ['docs/make-api-page.mjs', server.url, ...(write ? [] : ['--check'])])).trim());
  await checkExamples(server.url);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  await server?.stop();
  rmSync(home, { recursive: true, force: true });
}
