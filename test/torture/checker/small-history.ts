import { createHash } from 'node:crypto';
import { canonicalForm } from './chain.js';
import type { FinalState, GrantRow, JournalRow, TransactionRow } from './final-state.js';
import {
  type Action,
  type Answer,
  type AnswerData,
  type BalanceData,
  type CallInput,
  type History,
  type HistoryLine,
  historyOf,
  type StripeAct,
} from './history.js';

type Changeable<Type> = Type extends readonly (infer Item)[]
  ? Changeable<Item>[]
  : Type extends object
    ? { -readonly [Name in keyof Type]: Changeable<Type[Name]> }
    : Type;

export const VIEWER = 'viewer';
export const ADMIN = 'admin';
export const FILM = 'film';
const DAY_MS = 86_400_000;
const START_MS = 1_800_000_000_000;
const PLANS = [
  { subscriptionId: 'plan', versionId: 'plan v1', price: 1_000, durationDays: 30, filmIds: [FILM] },
  { subscriptionId: 'other', versionId: 'other v1', price: 300, durationDays: 7, filmIds: ['another film'] },
];

/**
 * A correct history of one viewer, built one operation after the other: what the product would have written and answered. Tests change
 * what they want to be wrong, in `lines` and `final`.
 */
export class SmallHistory {
  readonly lines: Changeable<HistoryLine>[] = [{ type: 'start', seed: 1, seconds: 1 }];
  readonly final: Changeable<FinalState> = {
    plans: PLANS,
    journal: [],
    balances: [],
    transactions: [],
    grants: [],
    holds: [],
    refunds: [],
    orders: [],
    disputes: [],
    keys: [],
    stripe: { sessions: [], payments: [], refunds: [], disputes: [] },
    discrepancies: [],
    differences: [],
    unsettled: [],
  };
  posted = 0;
  held = 0;
  version = 0;
  private clockMs = 0;
  private positions = 0;
  private ids = 0;

  get history(): History {
    const balance = { viewer: VIEWER, posted: this.posted, held: this.held, version: this.version };
    const state = { ...this.final, balances: [{ ...balance, sequence: this.final.journal.length }] };
    return historyOf([...(this.lines as HistoryLine[]), { type: 'final', state: state as FinalState }]);
  }

  /** The time of the next line. */
  now(): number {
    return ++this.clockMs;
  }

  id(kind: string): string {
    return `${kind} ${++this.ids}`;
  }

  /** Writes a call and its answer; null for a call that was never answered. Returns the call's id. */
  call(
    action: Action,
    input: CallInput,
    answer: Omit<Answer, 'type' | 'id' | 'atMs'> | null,
    work: () => void = () => {},
  ): number {
    const id = ++this.ids;
    const caller = input.idempotencyKey?.startsWith('admin') || action === 'revokeGrant' ? ADMIN : VIEWER;
    this.lines.push({ type: 'call', id, atMs: this.now(), action, viewer: VIEWER, caller, input } as Changeable<HistoryLine>);
    work();
    if (answer) this.lines.push({ type: 'answer', id, atMs: this.now(), ...answer } as Changeable<HistoryLine>);
    return id;
  }

  ok(action: Action, input: CallInput, data: AnswerData): number {
    return this.call(action, input, { outcome: 'OK', data });
  }

  refused(action: Action, input: CallInput, error: Answer['error']): number {
    return this.call(action, input, { outcome: 'REFUSED', data: {}, ...(error ? { error } : {}) });
  }

  atStripe(act: StripeAct['act'], subject: string, detail = ''): void {
    this.lines.push({ type: 'stripe', atMs: this.now(), viewer: VIEWER, act, subject, detail });
  }

  get balance(): BalanceData {
    return { version: this.version, posted: this.posted, held: this.held, available: this.posted - this.held };
  }

  /** From here on, another transaction of the database. */
  private transact(): void {
    this.positions++;
  }

  /** Adds an entry to the journal. */
  entry(kind: JournalRow['kind'], subjectId: string, state: object | null, movesMoney = false): void {
    const row: JournalRow = {
      viewer: VIEWER,
      sequence: this.final.journal.length + 1,
      kind,
      subjectId,
      version: movesMoney ? this.version : null,
      posted: movesMoney ? this.posted : null,
      held: movesMoney ? this.held : null,
      state: state && JSON.stringify(state),
      actorId: null,
      position: String(this.positions),
      createdAt: String(this.final.journal.length),
      form: 1,
      digest: '00',
      hash: '',
    };
    const previous = this.final.journal.at(-1)?.hash ?? '00'.repeat(32);
    const hash = createHash('sha256').update(Buffer.from(previous, 'hex')).update(canonicalForm(row)).digest('hex');
    this.final.journal.push({ ...row, hash });
  }

  /** Posts a movement; returns the transaction. */
  post(amount: number, held: number, about: Partial<TransactionRow> = {}): string {
    this.posted += amount;
    this.held += held;
    this.version++;
    const id = this.id('transaction');
    this.final.transactions.push({
      id,
      viewer: VIEWER,
      kind: 'ADJUSTMENT',
      amount,
      balanceAfter: this.posted,
      version: this.version,
      counterAccount: 'ADJUSTMENT',
      atMs: START_MS,
      orderId: null,
      grantId: null,
      refundId: null,
      disputeId: null,
      ...about,
    });
    this.entry('MOVEMENT', id, null, true);
    return id;
  }

  /** An adjustment that nobody is asked about: what a call without an answer may have done. */
  adjustSilently(amount: number): string {
    this.transact();
    return this.post(amount, 0);
  }

  record(
    caller: string,
    key: string,
    references: { grantId?: string; refundId?: string; orderId?: string; transactionId?: string },
  ): void {
    this.final.keys.push({
      caller,
      key,
      operation: 'any',
      grantId: null,
      orderId: null,
      refundId: null,
      transactionId: null,
      ...references,
    });
  }

  /** Returns the call's id, and its transaction. */
  adjust(amount: number, key = this.id('admin key')): { call: number; transactionId: string; key: string } {
    const transactionId = this.adjustSilently(amount);
    this.record(ADMIN, key, { transactionId });
    const transaction = { id: transactionId, amount, balanceAfter: this.posted, version: this.version };
    const call = this.ok('adjustBalance', { amount, idempotencyKey: key }, { transaction, balance: this.balance });
    return { call, transactionId, key };
  }

  grant(paidWith: GrantRow['paidWith'], orderId: string | null = null): string {
    this.transact();
    const id = this.id('grant');
    const fromMs = START_MS + this.final.journal.length;
    this.final.grants.push({
      id,
      viewer: VIEWER,
      versionId: 'plan v1',
      status: 'ACTIVE',
      paidWith,
      durationDays: 30,
      fromMs,
      untilMs: fromMs + 30 * DAY_MS,
      orderId,
      reason: null,
      actorId: null,
    });
    return id;
  }

  /** A purchase that nobody is asked about. */
  buySilently(): string {
    const id = this.grant('BALANCE');
    this.post(-1_000, 0, { kind: 'SPENDING', counterAccount: 'REVENUE', grantId: id });
    this.entry('GRANT', id, { status: 'ACTIVE' });
    return id;
  }

  /** A purchase of the plan from the balance; returns the grant. */
  buy(key = this.id('key')): string {
    const id = this.buySilently();
    this.record(VIEWER, key, { grantId: id });
    const input: CallInput = { subscriptionId: 'plan', payWith: 'BALANCE', idempotencyKey: key };
    this.ok('purchase', input, { grant: { id, status: 'ACTIVE' }, balance: this.balance });
    return id;
  }

  /** A purchase of the plan by card, paid; returns the grant, order and payment. */
  buyByCard(): { grantId: string; orderId: string; paymentId: string } {
    const [orderId, key, session, paymentId] = [this.id('order'), this.id('key'), this.id('session'), this.id('payment')];
    this.record(VIEWER, key, { orderId });
    this.ok(
      'purchase',
      { subscriptionId: 'plan', payWith: 'CARD', idempotencyKey: key },
      { order: { id: orderId, status: 'OPEN' } },
    );
    this.atStripe('pay', session);
    const grantId = this.grant('CARD', orderId);
    this.post(1_000, 0, { kind: 'TOP_UP', counterAccount: 'STRIPE', orderId });
    this.post(-1_000, 0, { kind: 'SPENDING', counterAccount: 'REVENUE', grantId, orderId });
    this.entry('ORDER', orderId, { status: 'PAID' });
    this.entry('GRANT', grantId, { status: 'ACTIVE' });
    const order = { kind: 'PURCHASE', status: 'PAID', amount: 1_000, captured: 1_000, versionId: 'plan v1' } as const;
    this.final.orders.push({ id: orderId, viewer: VIEWER, paymentId, ...order });
    this.final.stripe.sessions.push({ id: session, orderId, paid: true, amount: 1_000, paymentId });
    this.final.stripe.payments.push({ id: paymentId, captured: 1_000 });
    this.ok('order', { orderId }, { order: { id: orderId, status: 'PAID' } });
    return { grantId, orderId, paymentId };
  }

  /** The refund of a grant to the balance; returns the refund. */
  refundToBalance(grantId: string, amount: number): string {
    const [id, key] = [this.id('refund'), this.id('key')];
    this.transact();
    this.post(amount, 0, { kind: 'REFUND', counterAccount: 'REVENUE', grantId, refundId: id });
    this.entry('REFUND', id, { status: 'SUCCEEDED' });
    this.entry('GRANT', grantId, { status: 'REFUNDED' });
    this.final.refunds.push({
      id,
      viewer: VIEWER,
      origin: 'REQUEST',
      destination: 'BALANCE',
      status: 'SUCCEEDED',
      amount,
      grantId,
      transactionId: null,
      orderId: null,
      stripeId: null,
    });
    this.setStatus(grantId, 'REFUNDED');
    this.record(VIEWER, key, { refundId: id });
    const input: CallInput = { grantId, destination: 'BALANCE', idempotencyKey: key };
    const refund = { id, amount, destination: 'BALANCE' };
    this.ok('refundGrant', input, { refund, grant: { id: grantId, status: 'REFUNDED' }, balance: this.balance });
    return id;
  }

  /** The refund of a card grant to its card, paid out; returns the refund. */
  refundToCard(grantId: string, orderId: string, paymentId: string, amount: number): string {
    const [id, key, stripeId] = [this.id('refund'), this.id('key'), this.id('refund at Stripe')];
    const about = { kind: 'REFUND', grantId, refundId: id, orderId } as const;
    const holdId = this.id('hold');
    this.transact();
    this.post(amount, 0, { ...about, counterAccount: 'REVENUE' });
    this.held += amount;
    this.version++;
    this.entry('HOLD', holdId, { status: 'PENDING', amount }, true);
    this.entry('REFUND', id, { status: 'PENDING' });
    this.entry('GRANT', grantId, { status: 'REFUNDED' });
    this.transact();
    this.post(-amount, -amount, { ...about, counterAccount: 'STRIPE' });
    this.entry('HOLD', holdId, { status: 'CAPTURED', amount });
    this.entry('REFUND', id, { status: 'SUCCEEDED' });
    this.final.holds.push({ id: holdId, viewer: VIEWER, refundId: id, amount, status: 'CAPTURED' });
    this.final.refunds.push({
      id,
      viewer: VIEWER,
      origin: 'REQUEST',
      destination: 'CARD',
      status: 'SUCCEEDED',
      amount,
      grantId,
      transactionId: null,
      orderId,
      stripeId,
    });
    this.final.stripe.refunds.push({ id: stripeId, paymentId, amount, status: 'succeeded', refundId: id });
    this.setStatus(grantId, 'REFUNDED');
    this.record(VIEWER, key, { refundId: id });
    const refund = { id, amount, destination: 'CARD' };
    const input: CallInput = { grantId, destination: 'CARD', idempotencyKey: key };
    this.ok('refundGrant', input, { refund, grant: { id: grantId, status: 'REFUNDED' }, balance: this.balance });
    return id;
  }

  /** A chargeback takes the whole payment, and is lost. */
  loseDispute(grantId: string, orderId: string, paymentId: string): void {
    const [id, stripeId] = [this.id('dispute'), this.id('dispute at Stripe')];
    const about = { kind: 'DISPUTE', grantId, orderId, disputeId: id } as const;
    this.atStripe('dispute', paymentId, stripeId);
    const state = { funds: 'WITHDRAWN', withdrawn: 1_000, reinstated: 0 };
    this.transact();
    this.post(1_000, 0, { ...about, counterAccount: 'REVENUE' });
    this.post(-1_000, 0, { ...about, counterAccount: 'STRIPE' });
    this.entry('DISPUTE', id, { outcome: 'OPEN', ...state });
    this.entry('GRANT', grantId, { status: 'SUSPENDED' });
    this.atStripe('closeDispute', stripeId, 'lost');
    this.transact();
    this.entry('DISPUTE', id, { outcome: 'LOST', ...state });
    this.entry('GRANT', grantId, { status: 'REVOKED' });
    this.setStatus(grantId, 'REVOKED');
    this.final.disputes.push({ id, viewer: VIEWER, orderId, stripeId, outcome: 'LOST', withdrawn: 1_000, reinstated: 0 });
    this.final.stripe.disputes.push({ id: stripeId, paymentId, status: 'lost', withdrawn: 1_000, reinstated: 0 });
  }

  access(allowed: boolean, grantId: string | null, reason = 'GRANTED'): number {
    return this.ok('access', { filmIds: [FILM] }, { decisions: [{ filmId: FILM, allowed, reason, grantId }] });
  }

  readAccount(balance = this.balance): number {
    const grants = this.final.grants.map(({ id, status }) => ({ id, status }));
    return this.ok('account', {}, { balance, grants });
  }

  /** A stream of balances that began before everything; `versions` are those that it received after the first state. */
  followBalance(versions: readonly number[]): void {
    this.lines.splice(1, 0, { type: 'stream', stream: 1, atMs: 0, viewer: VIEWER, field: 'balanceChanged' });
    const item = (version: number) => {
      const row = this.final.journal.find((entry) => entry.version === version);
      const balance = { version, posted: row?.posted ?? 0, held: row?.held ?? 0 };
      const about = { transactionId: row?.kind === 'MOVEMENT' ? row.subjectId : null, attempt: 1 };
      this.lines.push({ type: 'live', stream: 1, atMs: this.now(), balance, ...about } as Changeable<HistoryLine>);
    };
    for (const version of [0, ...versions]) item(version);
  }

  /** A stream of grants that began before everything. */
  followGrants(ids: readonly string[]): void {
    this.lines.splice(1, 0, { type: 'stream', stream: 2, atMs: 0, viewer: VIEWER, field: 'grantChanged' });
    for (const id of ids) {
      const grant = { id, status: 'ACTIVE' };
      this.lines.push({ type: 'live', stream: 2, atMs: this.now(), attempt: 1, grant } as Changeable<HistoryLine>);
    }
  }

  setStatus(grantId: string, status: GrantRow['status']): void {
    const grant = this.final.grants.find(({ id }) => id === grantId);
    if (grant) grant.status = status;
  }
}
