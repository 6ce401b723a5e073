import type { FinalState } from './final-state.js';

/** What is recorded of one run, in the order in which it happened. Times are milliseconds of one monotonic clock, the driver's. */
export type HistoryLine =
  | Start
  | Call
  | Answer
  | StripeAct
  | StreamOpened
  | LiveItem
  | Disturbance
  | { type: 'final'; state: FinalState };

export interface Start {
  readonly type: 'start';
  readonly seed: number;
  readonly seconds: number;
}

export const ACTIONS = [
  'purchase',
  'topUp',
  'refundGrant',
  'refundTransaction',
  'cancelOrder',
  'giftGrant',
  'revokeGrant',
  'adjustBalance',
  'order',
  'account',
  'access',
] as const;
export type Action = (typeof ACTIONS)[number];

/** A request, written down before it is sent. */
export interface Call {
  readonly type: 'call';
  readonly id: number;
  readonly atMs: number;
  readonly action: Action;
  /** Whose account it is about. */
  readonly viewer: string;
  /** Who asks: the viewer or an admin. */
  readonly caller: string;
  readonly input: CallInput;
}

/** The input of the mutation, or the arguments of the query. */
export interface CallInput {
  readonly idempotencyKey?: string;
  readonly subscriptionId?: string;
  readonly payWith?: 'CARD' | 'BALANCE';
  readonly amount?: number;
  readonly grantId?: string;
  readonly transactionId?: string;
  readonly orderId?: string;
  readonly destination?: 'CARD' | 'BALANCE';
  readonly reason?: string;
  readonly filmIds?: readonly string[];
}

/**
 * OK: the payload had no errors. REFUSED: it had one, so nothing was changed. UNKNOWN: no complete answer, so it may have happened or
 * not. DEFECT: an answer that says that the server has a defect.
 */
export interface Answer {
  readonly type: 'answer';
  readonly id: number;
  readonly atMs: number;
  readonly outcome: 'OK' | 'REFUSED' | 'UNKNOWN' | 'DEFECT';
  readonly data?: AnswerData;
  readonly error?: RefusalData;
  /** Why the outcome is unknown, for people. */
  readonly note?: string;
}

export interface BalanceData {
  readonly version: number;
  readonly posted: number;
  readonly held: number;
  readonly available: number;
}

/** The fields that answers have, whatever the operation. Amounts in minor units. */
export interface AnswerData {
  readonly grant?: { readonly id: string; readonly status: string } | null;
  readonly order?: { readonly id: string; readonly status: string } | null;
  readonly refund?: { readonly id: string; readonly amount: number; readonly destination: string } | null;
  readonly transaction?: {
    readonly id: string;
    readonly amount: number;
    readonly balanceAfter: number;
    readonly version: number;
  } | null;
  readonly balance?: BalanceData | null;
  readonly grants?: readonly { readonly id: string; readonly status: string }[];
  readonly transactions?: readonly { readonly id: string }[];
  readonly decisions?: readonly { filmId: string; allowed: boolean; reason: string; grantId: string | null }[];
}

export interface RefusalData {
  readonly code: string;
  readonly reason?: string;
  readonly shortfall?: number;
  readonly state?: string;
}

/** What happened at Stripe: a viewer's payment, a bank's decision, or somebody in its dashboard. `subject`: the session, payment or refund. */
export interface StripeAct {
  readonly type: 'stripe';
  readonly atMs: number;
  readonly viewer: string;
  readonly act: 'pay' | 'settle' | 'refund' | 'refundOutcome' | 'dispute' | 'escalate' | 'closeDispute';
  readonly subject: string;
  readonly detail: string;
}

/** A live operation that starts without a cursor; it resumes after its last cursor for as long as it has the same number. */
export interface StreamOpened {
  readonly type: 'stream';
  readonly stream: number;
  readonly atMs: number;
  readonly viewer: string;
  readonly field: 'balanceChanged' | 'grantChanged';
}

/** One item of a live operation, as a client received it. */
export interface LiveItem {
  readonly type: 'live';
  readonly stream: number;
  readonly atMs: number;
  /** How often the operation had been sent by then: once for each connection, and again after each end of it. */
  readonly attempt: number;
  /** A part of it could not be read, and is null; the answer says so. */
  readonly hasErrors?: boolean;
  readonly balance?: { readonly version: number; readonly posted: number; readonly held: number };
  readonly transactionId?: string | null;
  readonly grant?: { readonly id: string; readonly status: string };
}

export interface Disturbance {
  readonly type: 'nemesis';
  readonly atMs: number;
  readonly what: string;
}

/** A call with its answer; without one, the run ended first. */
export interface Operation extends Call {
  readonly answer: Answer | null;
}

export interface Stream extends StreamOpened {
  readonly items: readonly LiveItem[];
}

/** A run as the checker reads it. */
export interface History {
  readonly start: Start;
  readonly operations: readonly Operation[];
  readonly acts: readonly StripeAct[];
  readonly streams: readonly Stream[];
  readonly disturbances: readonly Disturbance[];
  readonly final: FinalState;
}

/** Reads the lines of a recorded run. @throws Error for a recording without an end or with an unknown line */
export function readHistory(text: string): History {
  const lines = text.split('\n').filter((line) => line !== '');
  return historyOf(lines.map((line) => JSON.parse(line) as HistoryLine));
}

/** @throws Error for a recording without an end or with an unknown line */
export function historyOf(lines: readonly HistoryLine[]): History {
  const calls: Call[] = [];
  const answers = new Map<number, Answer>();
  const acts: StripeAct[] = [];
  const opened: StreamOpened[] = [];
  const items = new Map<number, LiveItem[]>();
  const disturbances: Disturbance[] = [];
  let start: Start = { type: 'start', seed: 0, seconds: 0 };
  let final: FinalState | null = null;
  for (const line of lines) {
    if (line.type === 'start') start = line;
    else if (line.type === 'call') calls.push(line);
    else if (line.type === 'answer') answers.set(line.id, line);
    else if (line.type === 'stripe') acts.push(line);
    else if (line.type === 'stream') opened.push(line);
    else if (line.type === 'live') {
      const known = items.get(line.stream);
      if (known) known.push(line);
      else items.set(line.stream, [line]);
    } else if (line.type === 'nemesis') disturbances.push(line);
    else if (line.type === 'final') final = line.state;
    else throw new Error(`a line of an unknown type: ${JSON.stringify(line)}`);
  }
  if (!final) throw new Error('the recording has no final state: the run was interrupted');
  const operations = calls.map((call) => ({ ...call, answer: answers.get(call.id) ?? null }));
  const streams = opened.map((stream) => ({ ...stream, items: items.get(stream.stream) ?? [] }));
  return { start, operations, acts, streams, disturbances, final };
}
