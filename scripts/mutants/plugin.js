import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CheckStatus } from '@stryker-mutator/api/check';
import { commonTokens, declareFactoryPlugin, PluginKind, tokens } from '@stryker-mutator/api/plugin';
import { DryRunStatus, MutantRunStatus } from '@stryker-mutator/api/test-runner';
import { strykerPlugins as jestPlugins } from '@stryker-mutator/jest-runner';
import { placeOf } from './list.js';

/** Set by run.js for the processes of a run: the mutants to try, the test files, and the file for what each of these takes and covers. */
const { MUTANTS_WANTED, MUTANTS_TESTS, MUTANTS_COVERAGE, MUTANTS_BUDGET_MS } = process.env;

const read = (fileName) => JSON.parse(readFileSync(fileName, 'utf8'));
const belowRoot = (fileName) => fileName.slice(fileName.lastIndexOf(`${path.sep}src${path.sep}`) + 1);

/** Stryker tries every mutant of a file, or of a range. This leaves those that are in the sample. */
function sampleChecker() {
  let wanted;
  return {
    init: async () => {
      wanted = new Set(read(MUTANTS_WANTED));
    },
    check: async (mutants) =>
      Object.fromEntries(
        mutants.map((mutant) => {
          const isWanted = wanted.has(placeOf({ ...mutant, fileName: belowRoot(mutant.fileName) }));
          return [
            mutant.id,
            isWanted ? { status: CheckStatus.Passed } : { status: CheckStatus.CompileError, reason: 'not in the sample' },
          ];
        }),
      ),
    group: async (mutants) => [mutants.map(({ id }) => id)],
  };
}

const [{ factory: createJestTestRunner }] = jestPlugins;

/**
 * The jest runner of Stryker loads every test file for each mutant, and runs the tests that cover it without those before them. This one
 * runs the test files that cover it, whole, one after the other, until one fails.
 */
fileByFileRunner.inject = tokens(commonTokens.injector);
function fileByFileRunner(injector) {
  const jest = injector.injectFunction(createJestTestRunner);
  const run = jest.run.bind(jest);
  const only = (file) => {
    jest.run = (settings) => run({ ...settings, testFiles: [file] });
  };
  let coverage;
  return {
    capabilities: () => jest.capabilities(),
    init: () => jest.init(),
    dryRun: async (options) => {
      const tests = [];
      const files = [];
      let mutantCoverage = { static: {}, perTest: {} };
      for (const file of JSON.parse(MUTANTS_TESTS)) {
        only(file);
        const startedAt = performance.now();
        const result = await jest.dryRun(options);
        if (result.status !== DryRunStatus.Complete) return result;
        const ms = Math.round(performance.now() - startedAt);
        files.push({ file, ms, testCounts: coveredBy(result, mutantCoverage.static) });
        tests.push(...result.tests);
        mutantCoverage = structuredClone(result.mutantCoverage);
      }
      writeFileSync(MUTANTS_COVERAGE, JSON.stringify(files));
      return { status: DryRunStatus.Complete, tests, mutantCoverage };
    },
    mutantRun: async (options) => {
      coverage ??= read(MUTANTS_COVERAGE);
      let nrOfTests = 0;
      for (const file of filesFor(options.activeMutant.id, coverage)) {
        only(file);
        const result = await jest.mutantRun({ ...options, testFilter: undefined });
        if (result.status !== MutantRunStatus.Survived) return result;
        nrOfTests += result.nrOfTests;
      }
      return { status: MutantRunStatus.Survived, nrOfTests };
    },
  };
}

/** The mutants that a file reaches, each with how many tests reach it; 0 for those that it reaches while it is loaded or set up. */
function coveredBy({ tests, mutantCoverage }, staticBefore) {
  const testCounts = {};
  for (const [id, count] of Object.entries(mutantCoverage.static)) if (count > (staticBefore[id] ?? 0)) testCounts[id] = 0;
  for (const { id: testId } of tests) {
    for (const id of Object.keys(mutantCoverage.perTest[testId] ?? {})) testCounts[id] = (testCounts[id] ?? 0) + 1;
  }
  return testCounts;
}

/**
 * The files that reach a mutant, as many as fit into the budget and at least one: those with the most tests of it for their time first, and
 * those that reach it outside of tests last.
 */
function filesFor(mutantId, coverage) {
  const costOf = ({ ms, testCounts }) => (testCounts[mutantId] > 0 ? ms / testCounts[mutantId] : Infinity);
  const reaching = coverage.filter(({ testCounts }) => mutantId in testCounts);
  const inTurn = reaching.sort((left, right) => costOf(left) - costOf(right) || left.ms - right.ms);
  let ms = 0;
  const fitting = inTurn.filter((file, index) => {
    ms += file.ms;
    return index === 0 || ms <= Number(MUTANTS_BUDGET_MS);
  });
  return fitting.map(({ file }) => file);
}

export const strykerPlugins = [
  declareFactoryPlugin(PluginKind.Checker, 'sample', sampleChecker),
  declareFactoryPlugin(PluginKind.TestRunner, 'file-by-file', fileByFileRunner),
];
