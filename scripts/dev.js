import { fork, spawn } from 'node:child_process';
import { existsSync, watch } from 'node:fs';
import { constants, setPriority } from 'node:os';
import path from 'node:path';
import { forget, transpile } from './transpile.js';

/**
 * `npm run dev`: restarts the server at each change to the sources, the pages or the contract. The embedded Postgres belongs to this
 * process and keeps running, so the data is kept. Types are checked in parallel: code with type errors runs anyway, and the errors are
 * printed. Code with syntax errors does not run: the current server stays.
 */
const { readConfig } = await import('../dist/src/config/config.js');
const { openDatabaseServer } = await import('../dist/src/stores/database-server.js');
const { explainStartupError } = await import('../dist/src/runtime/startup-error.js');

/** A restart does not wait for idle connections. */
const restartBudgetMs = 500;
/** An editor may save in several steps; they cause one restart. */
const settlingMs = 50;
/** The standby server loads its packages once the current one has started. */
const standbyAfterMs = 2_000;
const sources = ['src', 'migrations', 'packages/stripe-sandbox/src'];
/** Top-level files. The contract and the pages are read once, when the server starts. */
const files = ['mikro-orm.config.ts', 'schema.graphql'];
const pages = 'public';

let database;
try {
  database = await openDatabaseServer(readConfig());
} catch (error) {
  console.error(explainStartupError(error));
  process.exit(1);
}

let server;
let standby;
let ending = false;
let work = Promise.resolve();
const changed = new Set();

function spawnServer() {
  return fork(path.resolve('scripts/dev-server.js'), {
    execArgv: ['--enable-source-maps'],
    detached: true,
    env: {
      ...process.env,
      DATABASE_URL: database.url,
      SHUTDOWN_BUDGET_MS: String(restartBudgetMs),
      SOCKET_CLOSE_GRACE_MS: String(restartBudgetMs / 2),
      NODE_COMPILE_CACHE: path.resolve('node_modules/.cache/node'),
    },
  });
}

const isRunning = (child) => child && child.exitCode === null && child.signalCode === null;

function startServer() {
  server = isRunning(standby) ? standby : spawnServer();
  standby = undefined;
  server.send('start');
  setTimeout(() => {
    if (!ending && !standby) standby = spawnServer();
  }, standbyAfterMs).unref();
}

async function stopServer() {
  if (!isRunning(server)) return;
  const ended = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGTERM');
  await ended;
}

async function restart() {
  const taken = [...changed];
  changed.clear();
  if (ending || taken.length === 0) return;
  try {
    for (const file of taken.filter((name) => name.endsWith('.ts'))) await (existsSync(file) ? transpile(file) : forget(file));
  } catch (error) {
    for (const file of taken) changed.add(file);
    console.error(error.message);
    return;
  }
  await stopServer();
  if (!ending) startServer();
}

let settling;
function watchFolder(folder, { recursive, isWanted }) {
  watch(folder, { recursive }, (_event, name) => {
    const file = path.join(folder, name ?? '');
    if (!isWanted(file)) return;
    changed.add(file);
    clearTimeout(settling);
    settling = setTimeout(() => {
      work = work.then(restart);
    }, settlingMs);
  }).on('error', (error) => console.error(`Cannot watch ${folder} for changes: ${error.message}`));
}
for (const folder of sources) watchFolder(folder, { recursive: true, isWanted: (file) => file.endsWith('.ts') });
watchFolder(pages, { recursive: true, isWanted: () => true });
// The folder, not the files: an editor may replace a file instead of writing to it.
watchFolder('.', { recursive: false, isWanted: (file) => files.includes(file) });

startServer();
const checker = spawn(
  path.resolve('node_modules/.bin/tsc'),
  ['-p', 'tsconfig.build.json', '--noEmit', '--watch', '--preserveWatchOutput'],
  {
    stdio: ['ignore', 'inherit', 'inherit'],
    detached: true,
  },
);
setPriority(checker.pid, constants.priority.PRIORITY_LOW);

async function end() {
  if (ending) return;
  ending = true;
  // Its whole process group: the compiler runs behind a wrapper.
  process.kill(-checker.pid, 'SIGTERM');
  standby?.kill('SIGTERM');
  await work;
  await stopServer();
  await database.stop();
  process.exit(0);
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => void end());
