import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { cruise } from 'dependency-cruiser';

/**
 * Checks the checker: a rule that catches nothing looks just like a house in order. Into a copy of the sources go imports that the
 * rules forbid, one for each rule, and each must be told of by its name.
 */
const forbidden = [
  ['gateway-imports-only-', 'src/gateway/health.ts', "import '../jobs/runner.js';"],
  ['resolvers-imports-only-', 'src/resolvers/scalars.ts', "import '../stores/database.js';"],
  [
    'resolvers-names-only-types-of-',
    'src/resolvers/scalars.ts',
    "import { Film as Forbidden } from '../entities/film.js'; Forbidden;",
  ],
  ['jobs-imports-only-', 'src/jobs/job.ts', "import '../gateway/health.js';"],
  ['jobs-names-only-types-of-', 'src/jobs/job.ts', "import { Database as Forbidden } from '../stores/database.js'; Forbidden;"],
  ['services-imports-only-', 'src/services/money.ts', "import '../resolvers/scalars.js';"],
  ['stores-imports-only-', 'src/stores/hints.ts', "import '../services/money.js';"],
  ['entities-imports-only-', 'src/entities/film.ts', "import '../config.js';"],
  ['sandbox-imports-only-', 'src/sandbox/options.ts', "import '../clock.js';"],
  ['production-never-loads-the-sandbox', 'src/worker.ts', "import './sandbox/options.js';"],
  ['only-stores-know-', 'src/services/money.ts', "import Forbidden from 'stripe'; Forbidden;"],
  ['only-stores-know-', 'src/gateway/request-id.ts', "import Forbidden from 'pg'; Forbidden;"],
  [
    'no-circles',
    'src/clock.ts',
    "import { readConfig as forbidden } from './config.js'; forbidden;",
    'src/limits.ts',
    "import './clock.js';",
  ],
  ['no-unresolvable-imports', 'src/clock.ts', "import './no-such-file.js';"],
  ['nothing-imports-tests', 'src/clock.ts', "import '../test/support/movable-clock.js';"],
];

const configuration = createRequire(import.meta.url)('../.dependency-cruiser.cjs');
const copy = mkdtempSync(path.join(os.tmpdir(), 'boxoffice-arrows-'));
const project = process.cwd();

async function violationsWith(changes) {
  const before = changes.map(([file]) => [file, readFileSync(path.join(copy, file), 'utf8')]);
  for (const [file, line] of changes)
    writeFileSync(path.join(copy, file), `${line}\n${readFileSync(path.join(copy, file), 'utf8')}`);
  const { forbidden: rules, options } = configuration;
  const { output } = await cruise(['src'], { ...options, ruleSet: { forbidden: rules }, validate: true });
  for (const [file, text] of before) writeFileSync(path.join(copy, file), text);
  return output.summary.violations.map(({ rule }) => rule.name);
}

const missed = [];
try {
  for (const name of ['src', 'test/support', 'mikro-orm.config.ts', 'package.json', 'tsconfig.json']) {
    cpSync(path.join(project, name), path.join(copy, name), { recursive: true });
  }
  symlinkSync(path.join(project, 'node_modules'), path.join(copy, 'node_modules'));
  process.chdir(copy);
  for (const [rule, ...changes] of forbidden) {
    const pairs = changes.flatMap((_, index) => (index % 2 === 0 ? [[changes[index], changes[index + 1]]] : []));
    const found = await violationsWith(pairs);
    if (!found.some((name) => name.startsWith(rule))) missed.push(rule);
  }
  const named = configuration.forbidden.map(({ name }) => name);
  missed.push(...named.filter((name) => !forbidden.some(([rule]) => name.startsWith(rule))));
} finally {
  process.chdir(project);
  rmSync(copy, { recursive: true, force: true });
}
console.log(
  missed.length > 0
    ? `Rules that catch nothing: ${missed.join(', ')}`
    : `Each of ${forbidden.length} forbidden imports is caught.`,
);
process.exit(missed.length > 0 ? 1 : 0);
