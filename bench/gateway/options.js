import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { before } from './contestants/before.js';
import { contestants } from './contestants/contestants.js';
import { scenarios } from './scenarios.js';
import { VIEWERS } from './sizes.js';

export const USAGE = `npm run bench gateway -- [options]
  --size=${Object.keys(VIEWERS).join('|')}   how much data (full)
  --only=${Object.keys(scenarios).join(',')}   which scenarios (all)
  --contestants=${Object.keys(contestants).join(',')}   who takes part (all)
  --seconds=4  --warm=3  --rounds=5  --connections=32
  --keep[=directory]   keep the filled Postgres for the next run (${defaultKeep()})
  --check   only compare the answers
  --before=directory   another checkout of the product, built, takes part as "before"
  --write   write tables and chart into docs/
  --growth[=tenth,full,large]   afterwards, the reads on data of these sizes`;

function defaultKeep() {
  return path.join(os.tmpdir(), 'boxoffice-bench');
}

const STANDING_ALONE = { '--keep': `--keep=${defaultKeep()}`, '--growth': '--growth=tenth,full,large' };

export function readOptions(args) {
  const { values } = parseArgs({
    // These may stand alone.
    args: args.map((argument) => STANDING_ALONE[argument] ?? argument),
    options: {
      size: { type: 'string', default: 'full' },
      only: { type: 'string', default: Object.keys(scenarios).join(',') },
      contestants: { type: 'string', default: Object.keys(contestants).join(',') },
      seconds: { type: 'string', default: '4' },
      warm: { type: 'string', default: '3' },
      rounds: { type: 'string', default: '5' },
      connections: { type: 'string', default: '32' },
      keep: { type: 'string' },
      check: { type: 'boolean', default: false },
      before: { type: 'string' },
      write: { type: 'boolean', default: false },
      growth: { type: 'string', default: '' },
    },
  });
  if (values.before) contestants.before = before(path.resolve(values.before));
  const named = values.contestants.split(',');
  return {
    size: oneOf(values.size, VIEWERS, '--size'),
    only: values.only.split(',').map((name) => oneOf(name, scenarios, '--only')),
    contestants: [...named, ...(values.before ? ['before'] : [])].map((name) => oneOf(name, contestants, '--contestants')),
    seconds: Number(values.seconds),
    warmSeconds: Number(values.warm),
    rounds: Number(values.rounds),
    connections: Number(values.connections),
    keep: values.keep && path.resolve(values.keep),
    check: values.check,
    write: values.write,
    loadBefore: os.loadavg()[0],
    growth: values.growth === '' ? [] : values.growth.split(',').map((name) => oneOf(name, VIEWERS, '--growth')),
  };
}

function oneOf(name, table, option) {
  if (Object.hasOwn(table, name)) return name;
  throw new Error(`${option}: there is no "${name}". There are: ${Object.keys(table).join(', ')}.`);
}
