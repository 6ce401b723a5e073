// Shows that the history checker finds faults: plants each of them in a copy of the build, runs the torture on it, and expects a finding
// of a fitting class. `node test/torture/planted-faults.mjs [word of a title]` runs those whose title has the word.
import { spawn } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const SECONDS = 20;
/** A fault needs some luck to show: each gets so many runs, with different seeds. */
const MAX_RUNS = 5;

const FAULTS = [
  {
    title: 'an idempotency key is not recorded',
    file: 'services/ledger/idempotency.js',
    from: 'export async function saveResult(tx, request, result, now) {',
    to: 'export async function saveResult(tx, request, result, now) {\n    return;',
    found: ['UNEXPLAINED_CHANGE', 'ACKNOWLEDGED_CHANGE_LOST', 'KEY_USED_TWICE'],
  },
  {
    title: 'a refund is rounded up',
    file: 'services/refunds/decide-refund.js',
    from: 'return Number((BigInt(spent) * BigInt(unusedDays)) / BigInt(grant.durationDays));',
    to: 'return Math.ceil((spent * unusedDays) / grant.durationDays);',
    found: ['DIFFERS_FROM_MODEL'],
  },
  {
    title: 'a live operation skips a change',
    file: 'services/live/live-stream.js',
    from: 'for (const event of events) {',
    to: 'for (const event of events.length > 2 ? events.slice(1) : events) {',
    found: ['STREAM_GAP'],
  },
  {
    title: 'a dispute is booked again by each of its events',
    file: 'services/disputes/disputes.js',
    from: 'const taken = takenBy(state) - (row?.booked ?? 0);',
    to: 'const taken = takenBy(state);',
    found: ['DIFFERS_FROM_MODEL', 'DIFFERS_FROM_STRIPE'],
  },
  {
    title: 'a commit does not wait for its log',
    file: 'stores/session.js',
    from: "'set extra_float_digits = 1',",
    to: "'set extra_float_digits = 1', 'set synchronous_commit = off',",
    found: ['ACKNOWLEDGED_CHANGE_LOST', 'ANSWER_NOT_EXPLAINED', 'STALE_READ', 'STREAM_GAP', 'DIFFERS_FROM_STRIPE'],
  },
];

/** A copy of the build with the fault; it finds its dependencies where the build does. */
function plant({ file, from, to }) {
  const build = `dist-planted-${process.pid}`;
  rmSync(build, { recursive: true, force: true });
  cpSync('dist', build, { recursive: true });
  const target = path.join(build, 'src', file);
  const source = readFileSync(target, 'utf8');
  if (source.split(from).length !== 2) throw new Error(`${file} does not have this exactly once: ${from}`);
  writeFileSync(
    target,
    source.replace(from, () => to),
  );
  return build;
}

function torture(build, seed) {
  const command = ['--import', './test/support/typescript.js', 'test/torture/torture.ts'];
  const options = ['--build', build, '--seed', String(seed), '--seconds', String(SECONDS), '--discard'];
  const child = spawn(process.execPath, [...command, ...options], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
  });
  const stop = () => child.kill('SIGTERM');
  process.once('SIGINT', stop).once('SIGTERM', stop);
  return new Promise((resolve) =>
    child.once('close', (code) => {
      process.off('SIGINT', stop).off('SIGTERM', stop);
      resolve({ code, output });
    }),
  );
}

/** The classes of the findings; null when there were none within the runs. */
async function findingsOf(fault) {
  const build = plant(fault);
  try {
    for (let seed = 1; seed <= MAX_RUNS; seed++) {
      const { code, output } = await torture(build, seed);
      const findings = /^\d+ findings: (.*)\.$/m.exec(output)?.[1];
      if (findings) return [...findings.matchAll(/[A-Z_]+/g)].map(([found]) => found);
      if (code !== 0) throw new Error(`the torture could not run:\n${output}`);
    }
    return null;
  } finally {
    rmSync(build, { recursive: true, force: true });
  }
}

const [word = ''] = process.argv.slice(2);
let missed = 0;
for (const fault of FAULTS.filter(({ title }) => title.includes(word))) {
  const startedAt = performance.now();
  const classes = await findingsOf(fault);
  const isFound = classes?.some((found) => fault.found.includes(found)) ?? false;
  if (!isFound) missed++;
  const seconds = Math.round((performance.now() - startedAt) / 1_000);
  console.log(`${isFound ? 'found ' : 'MISSED'} ${fault.title}: ${classes?.join(', ') ?? 'no finding'}, after ${seconds} s`);
}
process.exitCode = missed > 0 ? 1 : 0;
