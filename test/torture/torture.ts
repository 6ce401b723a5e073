import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { check } from './checker/check.js';
import type { Finding } from './checker/findings.js';
import { type History, readHistory } from './checker/history.js';
import { printFinding } from './checker/print.js';
import { Recorder } from './driver/recorder.js';
import { run } from './driver/run.js';

const USAGE = `npm run torture -- [--seed 7] [--seconds 60] [--keep] [--build dist]
npm run torture -- --replay FILE

Runs two gateways and a worker while clients use them and everything around them is disturbed, then checks what was recorded.
--seed     what the clients, the nemesis and Stripe's faults choose
--seconds  how long this lasts
--keep     keeps the recording and the logs, even without a finding
--discard  keeps neither, even with a finding
--build    the output of the build to run
--replay   checks a recording again; nothing is started`;

const MAX_PRINTED = 5;

class Interrupted extends Error {}

/** Exits with 0 if nothing was found, 1 with a finding, and 2 if it could not run. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      seconds: { type: 'string', default: '60' },
      build: { type: 'string', default: 'dist' },
      replay: { type: 'string' },
      keep: { type: 'boolean', default: false },
      discard: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  if (values.replay) return report(readHistory(readFileSync(values.replay, 'utf8')));
  const { build, keep, discard } = values;
  return torture({
    seed: wholeNumber('seed', values.seed),
    seconds: wholeNumber('seconds', values.seconds),
    build,
    keep,
    discard,
  });
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new Error(`--${name} must be a whole number, not ${text}.`);
}

interface TortureOptions {
  readonly seed: number;
  readonly seconds: number;
  readonly build: string;
  readonly keep: boolean;
  readonly discard: boolean;
}

async function torture({ seed, seconds, build, keep, discard }: TortureOptions): Promise<number> {
  const home = mkdtempSync(path.join(os.tmpdir(), 'boxoffice-torture-'));
  // As root, the database runs under another account, which must reach its directory here.
  chmodSync(home, 0o755);
  const kept = path.join('.data', 'torture');
  mkdirSync(kept, { recursive: true });
  const recording = path.join(kept, `seed-${seed}-${Date.now()}.ndjson`);
  const recorder = new Recorder(recording, { seed, seconds });
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => interrupted.abort(new Interrupted(`Interrupted by ${signal}.`)));
  const stops: (() => Promise<void>)[] = [];
  const onStart = (stop: () => Promise<void>) => void stops.push(stop);
  let keepLogs = () => {};
  let code = 2;
  try {
    console.log(`Seed ${seed}, ${seconds} seconds.`);
    const history = await run(
      {
        seed,
        seconds,
        build,
        home,
        signal: interrupted.signal,
        onStart,
        onReady: (app) => {
          keepLogs = () => app.keepLogs(recording.replace(/\.ndjson$/, '-logs'));
        },
      },
      recorder,
    );
    code = report(history);
    if (code === 1 && !discard) console.log(`Check it again: npm run torture -- --replay ${recording}`);
  } finally {
    await recorder.close();
    if (discard || interrupted.signal.aborted || (code === 0 && !keep)) rmSync(recording, { force: true });
    else keepLogs();
    for (const stop of stops.reverse()) await stop().catch((error: Error) => console.error(error.message));
    rmSync(home, { recursive: true, force: true });
  }
  return code;
}

function report(history: History): number {
  const outcomes = { OK: 0, REFUSED: 0, UNKNOWN: 0, DEFECT: 0 };
  for (const { answer } of history.operations) outcomes[answer?.outcome ?? 'UNKNOWN']++;
  const items = history.streams.reduce((sum, stream) => sum + stream.items.length, 0);
  console.log(
    `${history.operations.length} operations (${outcomes.OK} done, ${outcomes.REFUSED} refused, ${outcomes.UNKNOWN} unknown), ` +
      `${history.acts.length} acts at Stripe, ${history.disturbances.length} disturbances, ` +
      `${history.final.journal.length} changes, ${items} live items on ${history.streams.length} streams.`,
  );
  const findings = check(history);
  for (const finding of findings.slice(0, MAX_PRINTED)) console.log(`\n${printFinding(finding, history)}`);
  console.log(findings.length === 0 ? 'Nothing was found.' : `\n${findings.length} findings: ${countsOf(findings)}.`);
  return findings.length === 0 ? 0 : 1;
}

function countsOf(findings: readonly Finding[]): string {
  const counts = new Map<string, number>();
  for (const finding of findings) counts.set(finding.class, (counts.get(finding.class) ?? 0) + 1);
  return [...counts].map(([name, count]) => `${name} ${count}`).join(', ');
}

main().then(
  (code) => process.exit(code),
  (error: Error) => {
    console.error(error instanceof Interrupted ? error.message : error.stack);
    process.exit(2);
  },
);
