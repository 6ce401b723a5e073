import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Stryker } from '@stryker-mutator/core';
import globalSetup from '../../test/support/global-setup.js';
import globalTeardown from '../../test/support/global-teardown.js';
import { listMutants, placeOf, shuffle } from './list.js';
import { parts } from './parts.js';
import { compareWithList, LIST, linesFor } from './survivors.js';

const { values } = parseArgs({
  options: {
    part: { type: 'string', multiple: true, default: Object.keys(parts) },
    /** Selects the sample. */
    seed: { type: 'string', default: '1' },
    /** A part of the sample: this many, from this one on. */
    from: { type: 'string', default: '0' },
    count: { type: 'string' },
    /** Mutants of files whose name contains this. */
    file: { type: 'string', default: '' },
    /** How long the tests of one mutant may take, as measured without it; files beyond this are left out. */
    'budget-ms': { type: 'string', default: '30000' },
    concurrency: { type: 'string', default: '2' },
  },
});

const KILLED = ['Killed', 'Timeout'];
const ALIVE = ['Survived', 'NoCoverage'];

const scratch = mkdtempSync(path.join(os.tmpdir(), 'boxoffice-mutants-'));
os.setPriority(os.constants.priority.PRIORITY_BELOW_NORMAL);
await globalSetup();
try {
  for (const name of values.part) await runPart(parts[name]);
} finally {
  await globalTeardown();
  rmSync(scratch, { recursive: true, force: true });
}

async function runPart({ title, sources, tests, sampleCount = Infinity, leastKilled }) {
  const all = (await listMutants(sources())).filter(({ fileName }) => fileName.includes(values.file));
  const from = Number(values.from);
  const wanted = shuffle(all, values.seed).slice(from, Math.min(from + Number(values.count ?? Infinity), sampleCount));
  const results = await runStryker(wanted, tests());
  const killed = results.filter(({ status }) => KILLED.includes(status));
  const survivors = results.filter(({ status }) => ALIVE.includes(status));
  const share = killed.length / (killed.length + survivors.length);
  const { unlisted, outdated } = compareWithList(survivors, killed);
  const report = [
    '',
    `${title}: ${all.length} mutants, ${results.length} tried (seed ${values.seed}), ${killed.length} killed, ${survivors.length} survived,`,
    `${results.length - killed.length - survivors.length} that do not run. Killed: ${(100 * share).toFixed(1)} %, at least ${100 * leastKilled} % are required.`,
    ...(outdated.length > 0 ? [`Killed, but listed in ${LIST}; remove:`, ...linesFor(outdated)] : []),
    ...(unlisted.length > 0 ? [`Survivors that ${LIST} does not explain:`, ...linesFor(unlisted)] : []),
  ];
  process.stdout.write(`${report.join('\n')}\n`);
  if (share < leastKilled || unlisted.length > 0 || results.length < wanted.length) process.exitCode = 1;
}

/** Returns the wanted mutants with the status that Stryker gave them. */
async function runStryker(wanted, tests) {
  const byPlace = new Map(wanted.map((mutant) => [placeOf(mutant), mutant]));
  process.env.MUTANTS_WANTED = path.join(scratch, 'wanted.json');
  process.env.MUTANTS_COVERAGE = path.join(scratch, 'coverage.json');
  process.env.MUTANTS_TESTS = JSON.stringify(tests);
  process.env.MUTANTS_BUDGET_MS = values['budget-ms'];
  writeFileSync(process.env.MUTANTS_WANTED, JSON.stringify([...byPlace.keys()]));
  const results = await new Stryker({
    mutate: [...new Set(wanted.map(({ fileName }) => fileName))],
    plugins: ['@stryker-mutator/jest-runner', path.resolve(import.meta.dirname, 'plugin.js')],
    checkers: ['sample'],
    testRunner: 'file-by-file',
    testRunnerNodeArgs: ['--experimental-vm-modules'],
    coverageAnalysis: 'perTest',
    jest: { projectType: 'custom', configFile: 'scripts/mutants/jest.config.js', enableFindRelatedTests: false },
    // Types are not checked; the compiler's settings, which Stryker would rewrite, are none of its business.
    tsconfigFile: 'no-tsconfig.json',
    ignorePatterns: ['/.data', '/dist', '/bench', '/packages/*/dist'],
    concurrency: Number(values.concurrency),
    // Modules of each run stay in the memory of its process.
    maxTestRunnerReuse: 15,
    // Beside the time that Stryker measured: whole files run, not only the tests that cover the mutant, and the machine may be busier.
    timeoutMS: 60_000 + 4 * Number(values['budget-ms']),
    dryRunTimeoutMinutes: 30,
    reporters: ['progress-append-only'],
    allowConsoleColors: false,
    tempDirName: '.stryker-tmp',
  }).runMutationTest();
  // Stryker counts lines and columns from 1 here.
  return results.flatMap((result) => {
    const mutant = byPlace.get(
      placeOf({ ...result, fileName: path.relative('.', result.fileName), location: from0(result.location) }),
    );
    return mutant ? [{ ...mutant, status: result.status, reason: result.statusReason }] : [];
  });
}

function from0({ start, end }) {
  const before = ({ line, column }) => ({ line: line - 1, column: column - 1 });
  return { start: before(start), end: before(end) };
}
