import { createWriteStream, type WriteStream } from 'node:fs';
import type { FinalState } from '../checker/final-state.js';
import { type Answer, type Call, type History, type HistoryLine, historyOf } from '../checker/history.js';

type WithoutTime<Line> = Line extends HistoryLine ? Omit<Line, 'atMs'> : never;

/** Writes down everything that happens, in order, as one JSON object per line: in memory for the checker, in a file for later. */
export class Recorder {
  private readonly lines: HistoryLine[] = [];
  private readonly file: WriteStream;
  private readonly startedAtMs = performance.now();
  private calls = 0;
  private streams = 0;

  constructor(
    readonly path: string,
    start: { readonly seed: number; readonly seconds: number },
  ) {
    this.file = createWriteStream(path);
    this.write({ type: 'start', ...start });
  }

  /** Milliseconds since the run began: the one clock of the history. */
  now(): number {
    return Math.round((performance.now() - this.startedAtMs) * 1_000) / 1_000;
  }

  /** Notes a call before it is sent; returns its id. */
  call(call: Omit<Call, 'type' | 'id' | 'atMs'>): number {
    const id = ++this.calls;
    this.write({ type: 'call', id, atMs: this.now(), ...call });
    return id;
  }

  answer(answer: Omit<Answer, 'type' | 'atMs'>): void {
    this.write({ type: 'answer', atMs: this.now(), ...answer });
  }

  /** Notes the start of a live operation; returns its number. */
  stream(viewer: string, field: 'balanceChanged' | 'grantChanged'): number {
    const stream = ++this.streams;
    this.write({ type: 'stream', stream, atMs: this.now(), viewer, field });
    return stream;
  }

  note(line: WithoutTime<Extract<HistoryLine, { type: 'stripe' | 'live' | 'nemesis' }>>): void {
    this.write({ ...line, atMs: this.now() } as HistoryLine);
  }

  /** Ends the recording; returns it as the checker reads it. */
  async end(state: FinalState): Promise<History> {
    this.write({ type: 'final', state });
    await this.close();
    return historyOf(this.lines);
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.file.end(() => resolve()));
  }

  private write(line: HistoryLine): void {
    this.lines.push(line);
    this.file.write(`${JSON.stringify(line)}\n`);
  }
}
