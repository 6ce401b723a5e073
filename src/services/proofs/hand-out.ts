import { spawn } from 'node:child_process';
import { type FileHandle, open } from 'node:fs/promises';

/** How roots are handed to the operator. Neither is set: they are only stored. */
export interface HandOutSettings {
  /** A shell command that gets the root on its standard input. */
  readonly command: string | undefined;
  readonly commandTimeoutMs: number;
  /** A file that gets one line for each root. */
  readonly file: string | undefined;
}

/**
 * Hands a root to the operator, who keeps it where the database's owner cannot change it. Returns once it is there; it may be handed out
 * again after a crash.
 *
 * @throws Error when the command failed or did not end in time; the file system's error
 */
export async function handOut(line: string, { command, commandTimeoutMs, file }: HandOutSettings): Promise<void> {
  if (command) await runCommand(command, `${line}\n`, commandTimeoutMs);
  if (file) await appendLine(file, line);
}

const MAX_OUTPUT_CHARACTERS = 300;

/** The command is the operator's own setting, so it may use all of the shell. It gets the environment, but not the private key. */
async function runCommand(command: string, input: string, timeoutMs: number): Promise<void> {
  const { LEDGER_ROOT_PRIVATE_KEY: _, ...env } = process.env;
  // In a process group of its own, so that what the shell started ends with it.
  const child = spawn('sh', ['-c', command], { env, detached: true, stdio: ['pipe', 'ignore', 'pipe'] });
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output = `${output}${text}`.slice(-MAX_OUTPUT_CHARACTERS);
  });
  // A command that reads no input closes the pipe.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    if (child.pid) process.kill(-child.pid, 'SIGKILL');
  }, timeoutMs);
  try {
    const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
    if (late) throw new Error(`LEDGER_ROOT_COMMAND did not end within ${timeoutMs} ms`);
    if (code !== 0) throw new Error(`LEDGER_ROOT_COMMAND ended with ${code ?? 'a signal'}: ${output.trim()}`);
  } finally {
    clearTimeout(timer);
  }
}

async function appendLine(file: string, line: string): Promise<void> {
  const handle = await open(file, 'a+', 0o644);
  try {
    await handle.appendFile(`${(await endsInLine(handle)) ? '' : '\n'}${line}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** False after a crash that left a part of a line. */
async function endsInLine(handle: FileHandle): Promise<boolean> {
  const { size } = await handle.stat();
  if (size === 0) return true;
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer.toString() === '\n';
}
