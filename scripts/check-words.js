import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Checks the project's word list: phrases that read as translated, with what to write instead. */

const SEARCHED = [
  'src',
  'packages',
  'test',
  'docs',
  'scripts',
  'bench',
  'examples',
  'public',
  'migrations',
  'deploy',
  '.env.example',
  'schema.graphql',
  '.env.example',
  '*.md',
  'Dockerfile',
  'docker-compose*.yml',
];

/** [what not to write, what to write instead]. Patterns are matched in lower case, at word boundaries. */
const WORDS = [
  ['(?:gives?|gave|given|giving) back', 'returns, refunds'],
  ['(?:ends?|ended|ending) in(?= (?:a |an |the |its )?(?:[a-z]+error|error|code|[a-z]+fault))', '@throws'],
  ['fails with', '@throws'],
  ['told', 'reported, logged, called with'],
  ['tells?(?! apart)', 'reports, logs, shows'],
  ['(?:mend|mends|mended|mending)', 'fix, repair'],
  ['(?:made up|makes? up|making up|made-up)', 'generated'],
  ['(?:given up|gives? up|gave up)', 'abandoned'],
  ['(?:anew|afresh)', 'again'],
  ['for good', 'permanently'],
  ['(?:the house|of the house)', 'the app, the operator'],
  ["house's", "the operator's, the configured"],
  ['(?:at home|home use)', 'in development'],
  ['(?:whoever|whosever)', 'the caller'],
  ['(?:a stranger|strangers)', 'a client'],
  ['(?:dear|dearer|dearest)', 'expensive'],
  ['(?:stands?|stood|standing) in', 'is in, replaces'],
  ['(?:stands|stood)', 'is'],
  ['(?:goes|went|go|going) on(?! sale)', 'continues'],
  ['(?:by itself|by themselves)', 'automatically, alone'],
  ['by hand', 'manually'],
  ['at hand', 'current'],
  ['under way', 'in progress, running'],
  ['(?:censor|censors|censored)', 'redact'],
];

/** Lines that may match, each with the reason. `file` may be a folder. */
const ALLOWED = [
  { file: 'scripts/check-words.js', reason: 'the list itself' },
  { file: 'src/demo/films.json', reason: 'film titles and stories' },
  { file: 'src/observability/logging.ts', line: /redact: \{ paths/, reason: "pino's own option is called censor" },
  { file: 'CONTRIBUTING.md', line: /^\| not \||^\| .*gives back/, reason: 'quotes the word list' },
];

const patterns = WORDS.map(([pattern, instead]) => ({
  pattern: new RegExp(`(?<![\\w-])(?:${pattern})(?![\\w-])`, 'gi'),
  instead,
}));
const files = execFileSync('git', ['ls-files', '--', ...SEARCHED], { encoding: 'utf8' })
  .split('\n')
  .filter((file) => file !== '' && !/\.(?:png|svg|ico)$|package-lock\.json$/.test(file));

const isIn = (file, path) => file === path || file.startsWith(`${path}/`);
const isAllowed = (file, text) => ALLOWED.some((entry) => isIn(file, entry.file) && (!entry.line || entry.line.test(text)));

function findingsIn(file) {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.flatMap((text, index) => {
    if (isAllowed(file, text)) return [];
    return patterns.flatMap(({ pattern, instead }) =>
      [...text.matchAll(pattern)].map(([word]) => `${file}:${index + 1}: ${word} → ${instead}`),
    );
  });
}

const findings = files.flatMap(findingsIn);
for (const finding of findings) console.log(finding);
if (findings.length > 0) console.error(`${findings.length} phrases read as translated.`);
process.exit(findings.length > 0 ? 1 : 0);
