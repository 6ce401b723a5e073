import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { cruise } from 'dependency-cruiser';

/** How many files these folders may contain directly; related files belong in a subfolder. */
const MAX_FILES = { src: 5, 'src/services': 6, 'src/gateway': 3 };

/**
 * How many lines of code `src` may have, without blank lines, comments and generated files, so that it does not grow unnoticed. Lower it
 * when code is removed; raise it only with a change that is worth its lines.
 */
const MAX_LINES_OF_CODE = 18_500;

/**
 * Tests the dependency rules: a rule that catches nothing looks just like a rule that nobody breaks. A forbidden import is added to a
 * copy of the sources for each rule, and each must be reported under the name of its rule.
 */
const forbidden = [
  ['gateway-imports-only-resolvers', 'src/gateway/auth.ts', "import '../jobs/scheduler.js';"],
  ['gateway-imports-only-types-', 'src/gateway/auth.ts', "import '../stores/database.js';"],
  ['resolvers/page-query-imports-only-', 'src/resolvers/page-query/look-ahead.ts', "import '../../jobs/job.js';"],
  ['resolvers-imports-only-services', 'src/resolvers/scalars.ts', "import '../stores/database.js';"],
  [
    'resolvers-imports-only-types-',
    'src/resolvers/scalars.ts',
    "import { Film as Forbidden } from '../entities/film.js'; Forbidden;",
  ],
  ['jobs-imports-only-', 'src/jobs/job.ts', "import '../stores/database.js';"],
  ['services-imports-only-', 'src/services/money.ts', "import '../resolvers/scalars.js';"],
  ['stores-imports-only-', 'src/stores/hints.ts', "import '../services/money.js';"],
  ['entities-imports-only-', 'src/entities/film.ts', "import '../config/config.js';"],
  ['observability-imports-only-stores', 'src/observability/health.ts', "import '../services/money.js';"],
  ['observability-imports-only-types-', 'src/observability/health.ts', "import '../stores/hints.js';"],
  ['demo-imports-only-services', 'src/demo/people.ts', "import '../gateway/auth.js';"],
  ['demo-imports-only-types-', 'src/demo/people.ts', "import '../stores/hints.js';"],
  ['cli-imports-only-', 'src/cli/token.ts', "import '../jobs/job.js';"],
  ['config-imports-only-', 'src/config/limits.ts', "import '../stores/hints.js';"],
  ['runtime-imports-only-', 'src/runtime/clock.ts', "import '../config/limits.js';"],
  ['packages-know-nothing-of-ours', 'packages/stripe-sandbox/src/options.ts', "import '../../../src/runtime/clock.js';"],
  ['only-main-loads-the-sandbox', 'src/worker.ts', "import '@boxoffice/stripe-sandbox';"],
  ['only-processes-open-the-app', 'src/gateway/auth.ts', "import '../app.js';"],
  ['the-app-takes-only-the-engine-', 'src/app.ts', "import './gateway/auth.js';"],
  ['only-processes-load-the-demo', 'src/app.ts', "import './demo/people.js';"],
  ['nothing-imports-a-process', 'src/app.ts', "import './cli/run-command.js';"],
  ['processes-leave-the-rest-', 'src/worker.ts', "import './services/money.js';"],
  ['only-the-edge-knows-', 'src/services/money.ts', "import Forbidden from 'graphql'; Forbidden;"],
  ['only-stores-know-', 'src/services/money.ts', "import Forbidden from 'stripe'; Forbidden;"],
  ['only-stores-know-', 'src/gateway/auth.ts', "import Forbidden from 'pg'; Forbidden;"],
  [
    'only-stores-and-entities-run-mikro-orm',
    'src/services/money.ts',
    "import { LockMode as Forbidden } from '@mikro-orm/core'; Forbidden;",
  ],
  [
    'no-circles',
    'src/runtime/clock.ts',
    "import { createRedactor as forbidden } from './redact.js'; forbidden;",
    'src/runtime/redact.ts',
    "import './clock.js';",
  ],
  [
    'only-the-ledger-writes-movements',
    'src/services/grants/grants.ts',
    "import { Unit as Forbidden } from '../ledger/unit.js'; Forbidden;",
  ],
  ['no-unresolvable-imports', 'src/runtime/clock.ts', "import './no-such-file.js';"],
  ['nothing-imports-tests', 'src/runtime/clock.ts', "import '../../test/support/movable-clock.js';"],
];

/**
 * Calls that only these files may make. Money changes in `ledger.change` and `ledger.once`, which lock the viewer first; the catalogue,
 * the record of reconciliations and the verification of the ledger have transactions of their own, which move no money.
 */
const restrictedCalls = [
  {
    call: /\.transaction\(/,
    only: [
      'src/services/ledger/ledger.ts',
      'src/services/verification/verify-ledger.ts',
      'src/services/verification/verify-viewers.ts',
      'src/services/reconciliation/reconciliation-store.ts',
    ],
  },
  { call: /\.changeEntities\(/, only: ['src/demo/catalogue.ts', 'src/services/catalogue/catalogue-admin.ts'] },
  { call: /\bUnit\.lock\(/, only: ['src/services/ledger/ledger.ts'] },
  { call: /\bsaveResult\(/, only: ['src/services/ledger/idempotency.ts', 'src/services/ledger/ledger.ts'] },
];

const sources = readdirSync('src', { recursive: true })
  .map((name) => path.posix.join('src', name.split(path.sep).join('/')))
  .filter((file) => file.endsWith('.ts'));

/** The complaint if there are more lines of code than allowed. */
function tooManyLines() {
  const count = sources
    .filter((file) => !file.includes('/generated/'))
    .flatMap((file) => readFileSync(file, 'utf8').split('\n'))
    .filter((line) => !/^\s*($|\/\/|\/?\*)/.test(line)).length;
  if (count <= MAX_LINES_OF_CODE) return [];
  return [`src has ${count} lines of code; at most ${MAX_LINES_OF_CODE} are allowed.`];
}

/** A file that may make a call and does not is reported as well: the pattern or the list is out of date then. */
function callsOutOfPlace() {
  const files = sources.filter((file) => !file.startsWith('src/stores/'));
  return restrictedCalls.flatMap(({ call, only }) => {
    const callers = files.filter((file) => call.test(readFileSync(file, 'utf8')));
    return [
      ...callers.filter((file) => !only.includes(file)).map((file) => `${file} must not call ${call.source}`),
      ...only.filter((file) => !callers.includes(file)).map((file) => `${file} does not call ${call.source} any more`),
    ];
  });
}

const configuration = createRequire(import.meta.url)('../.dependency-cruiser.cjs');
const copy = mkdtempSync(path.join(os.tmpdir(), 'boxoffice-arrows-'));
const project = process.cwd();

async function violationsWith(changes) {
  const before = changes.map(([file]) => [file, readFileSync(path.join(copy, file), 'utf8')]);
  for (const [file, line] of changes)
    writeFileSync(path.join(copy, file), `${line}\n${readFileSync(path.join(copy, file), 'utf8')}`);
  const { forbidden: rules, options } = configuration;
  const { output } = await cruise(['src', 'packages'], { ...options, ruleSet: { forbidden: rules }, validate: true });
  for (const [file, text] of before) writeFileSync(path.join(copy, file), text);
  return output.summary.violations.map(({ rule }) => rule.name);
}

const missed = [];
try {
  for (const name of ['src', 'packages', 'test/support', 'mikro-orm.config.ts', 'package.json', 'tsconfig.json']) {
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

const crowded = Object.entries(MAX_FILES).flatMap(([folder, limit]) => {
  const count = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile()).length;
  return count > limit ? [`${folder} has ${count} files; at most ${limit} are allowed.`] : [];
});
const complaints = [...crowded, ...callsOutOfPlace(), ...tooManyLines()];
for (const line of complaints) console.error(line);
if (missed.length > 0) console.error(`Rules that catch nothing: ${missed.join(', ')}`);
else console.log(`Each of ${forbidden.length} forbidden imports is caught.`);
process.exit(missed.length + complaints.length > 0 ? 1 : 0);
