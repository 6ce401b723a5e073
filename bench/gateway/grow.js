import { contestants } from './contestants/contestants.js';
import { cpuOf, growthTable, medianRatio } from './report.js';
import { runScenario } from './rounds.js';
import { scenarios } from './scenarios.js';
import { describeSize } from './sizes.js';
import { makeSubjects } from './subjects.js';
import { withServers } from './with-servers.js';

const GROWING = ['access', 'access100', 'page'];
const COMPARED = ['ours', 'limit'];

/**
 * What reads cost as the data grow: the same server on the data of each size, all up at once and measured in the same rounds, so
 * that the sizes can be compared with each other. The middle size is 1.
 */
export async function grow({ options, database, log }) {
  const sizes = options.growth;
  const entries = [];
  for (const size of sizes) {
    const databaseUrl = await database.original(size);
    const subjects = await makeSubjects(databaseUrl, size);
    for (const id of COMPARED) {
      const contestant = contestants[id];
      entries.push({ id: `${id} ${size}`, title: `${contestant.title}, ${size}`, contestant, databaseUrl, subjects });
    }
  }
  const middle = sizes[sizes.length >> 1];
  return withServers(entries, database.directory, async (running, load) => {
    const rows = [];
    for (const name of options.only.filter((one) => GROWING.includes(one))) {
      const scenario = scenarios[name];
      const results = await runScenario({ name, scenario, running, load, database, options, log });
      const roundsOf = (id, size) => results.find((result) => result.id === `${id} ${size}`).rounds;
      for (const id of COMPARED) {
        const costs = sizes.map((size) => medianRatio(roundsOf(id, size), roundsOf(id, middle), cpuOf));
        const rates = sizes.map((size) => medianRatio(roundsOf(id, size), roundsOf(id, middle), ({ perSecond }) => perSecond));
        rows.push({ name, scenario: scenario.title, title: contestants[id].title, costs, rates });
      }
    }
    return { kind: 'growth', data: sizes.map(describeSize), rows, tables: [growthTable(sizes, rows)] };
  });
}
