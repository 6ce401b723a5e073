import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { handOut } from '../../src/services/proofs/hand-out.js';
import { until } from '../support/until.js';

/** Not so for one that has ended and that nobody has waited for. */
const isRunning = (pid: number) => /^State:\s+[^ZX]/m.test(readIfThere(`/proc/${pid}/status`));

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

let home: string;
beforeEach(() => {
  home = mkdtempSync(path.join(os.tmpdir(), 'boxoffice-roots-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

describe('A command that roots are handed to', () => {
  const run = (command: string, commandTimeoutMs = 10_000) =>
    handOut('{"root":"abc"}', { command, commandTimeoutMs, file: undefined });

  test('gets the root as one line on its standard input, and may use the shell', async () => {
    await run(`cat | tee "${home}/first" > "${home}/second"`);
    expect(readFileSync(path.join(home, 'second'), 'utf8')).toBe('{"root":"abc"}\n');
  });

  test('that fails is an error with what it said', async () => {
    await expect(run('echo the bucket is gone >&2; exit 3')).rejects.toThrow('ended with 3: the bucket is gone');
  });

  test('that reads nothing does not fail for that', async () => {
    await expect(run('true')).resolves.toBeUndefined();
  });

  test('is ended together with what it started when it takes too long', async () => {
    await expect(run(`sh -c 'echo $$ > "${home}/pid"; exec sleep 600' | cat`, 500)).rejects.toThrow('did not end within 500 ms');
    const pid = Number(readFileSync(path.join(home, 'pid'), 'utf8'));
    await until(() => !isRunning(pid), 'the end of what the command started');
  });

  test('does not get the private key', async () => {
    process.env.LEDGER_ROOT_PRIVATE_KEY = 'secret';
    try {
      await run(`env > "${home}/env"`);
    } finally {
      delete process.env.LEDGER_ROOT_PRIVATE_KEY;
    }
    const env = readFileSync(path.join(home, 'env'), 'utf8');
    expect(env).toContain('PATH=');
    expect(env).not.toContain('LEDGER_ROOT_PRIVATE_KEY');
  });
});

describe('A file that roots are handed to', () => {
  const append = (line: string) => handOut(line, { command: undefined, commandTimeoutMs: 1, file: path.join(home, 'roots') });
  const text = () => readFileSync(path.join(home, 'roots'), 'utf8');

  test('gets one line for each', async () => {
    await append('one');
    await append('two');
    expect(text()).toBe('one\ntwo\n');
  });

  test('gets a line of its own after a line that a crash cut off', async () => {
    await append('one');
    appendFileSync(path.join(home, 'roots'), 'tw');
    await append('two');
    expect(text()).toBe('one\ntw\ntwo\n');
  });

  test('in a folder that is not there is an error', async () => {
    const nowhere = { command: undefined, commandTimeoutMs: 1, file: path.join(home, 'none', 'roots') };
    await expect(handOut('one', nowhere)).rejects.toThrow('ENOENT');
  });
});
