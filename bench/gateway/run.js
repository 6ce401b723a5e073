// The gateway beside its limit and its peers, in one run, on the same data. npm run bench gateway -- --help

import { installPeers } from '../install.js';
import { compare } from './compare.js';
import { contestants } from './contestants/contestants.js';
import { BenchDatabase } from './database.js';
import { grow } from './grow.js';
import { readOptions, USAGE } from './options.js';
import { assertLinux } from './processes.js';
import { write } from './write.js';

const begin = performance.now();
const log = (text) => console.error(`${((performance.now() - begin) / 1_000).toFixed(0).padStart(5)} s  ${text}`);

async function main() {
  if (process.argv.includes('--help')) return console.log(USAGE);
  assertLinux();
  const options = readOptions(process.argv.slice(2));
  if (options.contestants.some((id) => contestants[id].peer)) installPeers(log);
  const database = await BenchDatabase.start({ keep: options.keep, log });
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => {
      database.abandon();
      process.exit(1);
    });
  }
  try {
    const work = { options, database, log };
    const parts = [await compare(work)];
    if (options.growth.length > 0) parts.push(await grow(work));
    const tables = parts.flatMap(({ tables }) => tables);
    if (tables.length > 0) console.log(`\n${tables.join('\n\n')}`);
    if (options.write) write(parts, options);
  } finally {
    await database.stop();
  }
}

await main().catch((error) => {
  console.error(error.message ?? error);
  process.exitCode = 1;
});
