import { checkSameAnswers } from './check.js';
import { contestants } from './contestants/contestants.js';
import { comparisonTable, summarise } from './report.js';
import { runScenario } from './rounds.js';
import { scenarios } from './scenarios.js';
import { describeSize } from './sizes.js';
import { makeSubjects } from './subjects.js';
import { withServers } from './with-servers.js';

/** All contestants on the same data: one table for each scenario. */
export async function compare({ options, database, log }) {
  const { size, only } = options;
  const databaseUrl = await database.copy(size);
  await database.prepare(options.contestants.map((id) => contestants[id].prepare));
  const subjects = await makeSubjects(databaseUrl, size);
  const entries = options.contestants.map((id) => ({
    id,
    title: contestants[id].title,
    contestant: contestants[id],
    databaseUrl,
    subjects,
  }));
  return withServers(entries, database.directory, async (running, load) => {
    await checkSameAnswers(running, only, databaseUrl);
    log(`${options.contestants.join(', ')} give the same answers to ${only.join(', ')}`);
    const summaries = [];
    for (const name of options.check ? [] : only) {
      const scenario = scenarios[name];
      const results = await runScenario({ name, scenario, running, load, database, options, log });
      summaries.push({ name, title: scenario.title, rows: summarise(results) });
    }
    return { kind: 'comparison', data: describeSize(size), summaries, tables: summaries.map(comparisonTable) };
  });
}
