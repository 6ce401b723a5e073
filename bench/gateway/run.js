// The gateway beside its limit and its peers, in one run, on the same data. npm run bench gateway -- --help

import { installPeers } from '../install.js';
import { checkSameAnswers } from './check.js';
import { contestants } from './contestants/contestants.js';
import { BenchDatabase } from './database.js';
import { Load } from './load/load.js';
import { readOptions, USAGE } from './options.js';
import { assertLinux } from './processes.js';
import { summarise, table } from './report.js';
import { runScenario } from './rounds.js';
import { scenarios } from './scenarios.js';
import { ServerProcess } from './server-process.js';
import { describeSize } from './sizes.js';
import { makeSubjects } from './subjects.js';

const begin = performance.now();
const tell = (text) => console.error(`${((performance.now() - begin) / 1_000).toFixed(0).padStart(5)} s  ${text}`);

async function main() {
  if (process.argv.includes('--help')) return console.log(USAGE);
  assertLinux();
  const options = readOptions(process.argv.slice(2));
  if (options.contestants.some((id) => contestants[id].peer)) installPeers(tell);
  const database = await BenchDatabase.start({ keep: options.keep, tell });
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => {
      database.abandon();
      process.exit(1);
    });
  }
  try {
    const results = await runSize(options.size, { options, database });
    for (const [name, rows] of Object.entries(results))
      console.log(`\n${table(`${scenarios[name].title} (${describeSize(options.size)})`, rows)}`);
  } finally {
    await database.stop();
  }
}

/** All scenarios on the data of one size; the summary of each by its name. */
async function runSize(size, { options, database }) {
  const databaseUrl = await database.copy(size);
  const subjects = await makeSubjects(databaseUrl, size);
  const running = [];
  const load = new Load();
  try {
    await database.prepare(options.contestants.map((id) => contestants[id].prepare));
    for (const id of options.contestants) {
      const contestant = contestants[id];
      running.push({
        id,
        contestant,
        server: await ServerProcess.start(contestant, { databaseUrl, directory: database.directory }),
      });
    }
    await checkSameAnswers(running, options.only, subjects, databaseUrl);
    tell(`${options.contestants.join(', ')} give the same answers to ${options.only.join(', ')}`);
    const results = {};
    for (const name of options.check ? [] : options.only) {
      results[name] = summarise(
        await runScenario({ name, scenario: scenarios[name], running, subjects, load, database, options, tell }),
      );
    }
    return results;
  } finally {
    load.stop();
    await Promise.all(running.map(({ server }) => server.stop()));
  }
}

await main().catch((error) => {
  console.error(error.message ?? error);
  process.exitCode = 1;
});
