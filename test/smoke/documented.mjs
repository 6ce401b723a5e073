// What the docs show is what happens: against a server on fresh data, docs/api.md is made again and compared (or written, with
// --write), the README's first purchase is run, the client of docs/live.md outlives restarts, and the typed clients of examples/ are
// installed, generated, compiled and run.
import { DemoApp } from './demo-app.mjs';
import { tryLiveClient } from './live-client.mjs';
import { walkReadme } from './readme-walk.mjs';
import { runCommand } from './run-command.mjs';

const EXAMPLES = 'examples';
const write = process.argv.includes('--write');

async function checkExamples(app) {
  // The root's npm settings (and its node_modules/.bin, first on the path) are not those of the examples.
  const npm = (...args) => runCommand('npm', args, { cwd: EXAMPLES });
  await npm('ci', '--no-audit', '--no-fund');
  await npm('run', 'build');
  console.log('  ok  the examples install, their types are generated, they compile');
  const token = await app.tokenOf('viewer');
  for (const client of ['apollo', 'urql']) {
    const env = { ...process.env, BOXOFFICE_URL: app.url, BOXOFFICE_TOKEN: token };
    const output = await runCommand(process.execPath, [`dist/${client}.js`], { cwd: EXAMPLES, env });
    console.log(output.trim().replace(/^/gm, '      '));
    console.log(`  ok  ${client}: bought, watched live, lost the connection, resumed without a gap`);
  }
}

const app = await DemoApp.create();
try {
  await app.start();
  console.log((await runCommand(process.execPath, ['docs/make-api-page.mjs', app.url, ...(write ? [] : ['--check'])])).trim());
  console.log(`  ok  README: ${await walkReadme(app)} answers match those shown`);
  console.log(`  ok  docs/live.md: ${await tryLiveClient(app)} versions, each once, over two restarts`);
  await checkExamples(app);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  await app.remove();
}
