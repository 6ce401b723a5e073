import { spawn } from 'node:child_process';
import { existsSync, watch } from 'node:fs';
import path from 'node:path';

/**
 * `npm run dev`: compiles on each change and starts the server anew, also at a change of the pages or the contract. The embedded Postgres belongs to this process and runs on, which
 * keeps the data and makes a restart quick.
 */
const { readConfig } = await import('../dist/src/config.js');
const { openDatabaseServer } = await import('../dist/src/database-server.js');
const { explainStartFault } = await import('../dist/src/start-fault.js');

/** The old server ends while the compiler is at work; what has type errors runs all the same, and the errors are on the screen. */
const compiling = /File change detected/;
const compiled = /Found \d+ errors?/;
/** A restart does not wait for idle connections. */
const restartBudgetMs = 500;

let database;
try {
  database = await openDatabaseServer(readConfig());
} catch (error) {
  console.error(explainStartFault(error));
  process.exit(1);
}

let server;
let ending = false;
let wanted = Promise.resolve();

function startServer() {
  server = spawn(process.execPath, ['--enable-source-maps', 'dist/src/main.js'], {
    stdio: 'inherit',
    detached: true,
    env: {
      ...process.env,
      DATABASE_URL: database.url,
      SHUTDOWN_BUDGET_MS: String(restartBudgetMs),
      NODE_COMPILE_CACHE: path.resolve('node_modules/.cache/node'),
    },
  });
}

async function stopServer() {
  if (!server || server.exitCode !== null || server.signalCode !== null) return;
  const ended = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGTERM');
  await ended;
}

const compiler = spawn(path.resolve('node_modules/.bin/tsc'), ['-p', 'tsconfig.build.json', '--watch', '--preserveWatchOutput'], {
  stdio: ['ignore', 'pipe', 'inherit'],
  detached: true,
});
compiler.stdout.on('data', (text) => {
  process.stdout.write(text);
  if (ending) return;
  if (compiling.test(String(text))) wanted = wanted.then(stopServer);
  if (compiled.test(String(text))) restart();
});

function restart() {
  wanted = wanted.then(stopServer).then(() => {
    if (!ending && existsSync('dist/src/main.js')) startServer();
  });
}

// The server reads these once, when it starts; the compiler does not look at them. An editor writes in several steps: one restart.
let settling;
for (const read of ['public', 'schema.graphql'])
  watch(read, { recursive: true }, () => {
    clearTimeout(settling);
    settling = setTimeout(() => !ending && restart(), 50);
  }).on('error', (error) => console.error(`Changes of ${read} are not seen: ${error.message}`));

async function end() {
  if (ending) return;
  ending = true;
  compiler.kill('SIGTERM');
  await wanted;
  await stopServer();
  await database.stop();
  process.exit(0);
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => void end());
