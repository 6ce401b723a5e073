import { randomUUID } from 'node:crypto';
import { tokenFor } from '../../support/tokens.js';
import type { Action, Answer, AnswerData, BalanceData, CallInput, RefusalData } from '../checker/history.js';
import type { Recorder } from './recorder.js';

const TIMEOUT_MS = 8_000;
const BALANCE = 'balance { version posted { amount } held { amount } available { amount } }';
const ERRORS = `errors { code message
  ... on InsufficientFunds { shortfall { amount } } ... on NotRefundable { reason } ... on WrongState { state } }`;
const GRANT = 'grant { id status }';
const ORDER = 'order { id status checkoutUrl }';
const REFUND = `refund { id destination amount { amount } } ${BALANCE}`;

/** Each action as a document with one root field. */
const DOCUMENTS: Readonly<Record<Action, string>> = {
  purchase: `mutation ($input: PurchaseInput!) { done: purchase(input: $input) { ${GRANT} ${ORDER} ${BALANCE} ${ERRORS} } }`,
  topUp: `mutation ($input: TopUpInput!) { done: topUp(input: $input) { ${ORDER} ${ERRORS} } }`,
  refundGrant: `mutation ($input: RefundGrantInput!) { done: refundGrant(input: $input) { ${REFUND} ${GRANT} ${ERRORS} } }`,
  refundTransaction: `mutation ($input: RefundTransactionInput!) { done: refundTransaction(input: $input) { ${REFUND} ${ERRORS} } }`,
  cancelOrder: `mutation ($orderId: ID!) { done: cancelOrder(orderId: $orderId) { ${ORDER} ${ERRORS} } }`,
  giftGrant: `mutation ($input: GiftGrantInput!) { done: giftGrant(input: $input) { ${GRANT} ${ERRORS} } }`,
  revokeGrant: `mutation ($input: RevokeGrantInput!) { done: revokeGrant(input: $input) { ${GRANT} ${ERRORS} } }`,
  adjustBalance: `mutation ($input: AdjustBalanceInput!) { done: adjustBalance(input: $input) {
    transaction { id version amount { amount } balanceAfter { amount } } ${BALANCE} ${ERRORS} } }`,
  order: 'query ($orderId: ID!) { done: order(id: $orderId) { id status checkoutUrl grant { id status } } }',
  account: `query { done: me { ${BALANCE} grants(first: 100) { nodes { id status paidWith } }
    transactions(first: 20, kind: TOP_UP) { nodes { id } } } }`,
  access: 'query ($filmIds: [ID!]!) { done: access(filmIds: $filmIds) { filmId allowed reason grant { id } } }',
};

/** Codes that leave the outcome open; every other error of GraphQL is a defect of the server or of this driver. */
const UNAVAILABLE = new Set(['SERVICE_UNAVAILABLE', 'REQUEST_TIMEOUT']);

type Money = { readonly amount: number };
/** The fields of all documents. */
interface Payload {
  readonly id?: string;
  readonly status?: string;
  readonly checkoutUrl?: string | null;
  readonly grant?: { id: string; status: string } | null;
  readonly order?: { id: string; status: string; checkoutUrl: string | null } | null;
  readonly refund?: { id: string; destination: string; amount: Money } | null;
  readonly transaction?: { id: string; version: number; amount: Money; balanceAfter: Money } | null;
  readonly balance?: { version: number; posted: Money; held: Money; available: Money } | null;
  readonly grants?: { nodes: { id: string; status: string; paidWith: string }[] };
  readonly transactions?: { nodes: { id: string }[] };
  readonly errors?: { code: string; message: string; shortfall?: Money; reason?: string; state?: string }[];
}
type Decisions = { filmId: string; allowed: boolean; reason: string; grant: { id: string } | null }[];
interface GraphQLAnswer {
  data?: { done: Payload | Decisions | null } | null;
  errors?: { message: string; extensions?: { code?: string } }[];
}

/** What a client learns from an answer. */
export interface Learned {
  readonly outcome: Answer['outcome'];
  readonly data: AnswerData;
  readonly checkoutUrl: string | null;
  readonly paidWith: ReadonlyMap<string, string>;
}

export interface Request {
  readonly action: Action;
  readonly viewer: string;
  readonly isAdmin: boolean;
  /** What is recorded; `sent` has what the server needs beside it. */
  readonly input: CallInput;
  readonly sent?: object;
}

/** Sends requests to the gateways and records each with its answer. */
export class Api {
  readonly adminId = randomUUID();
  private readonly tokens = new Map<string, Promise<string>>();

  constructor(
    private readonly recorder: Recorder,
    private readonly urls: readonly string[],
  ) {}

  tokenOf(userId: string, role: 'viewer' | 'admin'): Promise<string> {
    const known = this.tokens.get(userId) ?? tokenFor({ userId, role, expiresInSeconds: 7_200 });
    this.tokens.set(userId, known);
    return known;
  }

  async send(gateway: number, { action, viewer, isAdmin, input, sent }: Request): Promise<Learned> {
    const caller = isAdmin ? this.adminId : viewer;
    const token = await this.tokenOf(caller, isAdmin ? 'admin' : 'viewer');
    const given = { ...input, ...sent };
    const variables = DOCUMENTS[action].includes('$input') ? { input: given } : given;
    const id = this.recorder.call({ action, viewer, caller, input });
    const learned = await this.post(gateway, token, DOCUMENTS[action], variables).then(
      (answer) => read(action, answer),
      (error: Error) => ({ ...nothing, outcome: 'UNKNOWN' as const, note: messageOf(error) }),
    );
    const { outcome, data, error, note } = { error: undefined, note: undefined, ...learned };
    this.recorder.answer({ id, outcome, data, ...(error ? { error } : {}), ...(note ? { note } : {}) });
    return learned;
  }

  /** An admin's request that is not part of the history. @throws unless it succeeds */
  async admin<Data>(query: string, variables: object): Promise<Data> {
    const answer = await this.post(0, await this.tokenOf(this.adminId, 'admin'), query, variables);
    if (answer.errors || !answer.data) throw new Error(`${query}: ${JSON.stringify(answer)}`);
    return answer.data as Data;
  }

  /** @throws for anything but a whole answer */
  private async post(gateway: number, token: string, query: string, variables: object): Promise<GraphQLAnswer> {
    const response = await fetch(`${this.urls[gateway % this.urls.length]}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query, variables }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await response.text();
    if (response.status === 503) throw new Error(`HTTP 503 ${text}`);
    return JSON.parse(text) as GraphQLAnswer;
  }
}

const messageOf = (error: Error) => `${error.message}${error.cause instanceof Error ? `: ${error.cause.message}` : ''}`;
const nothing = { data: {}, checkoutUrl: null, paidWith: new Map<string, string>() };

function read(action: Action, { data, errors }: GraphQLAnswer): Learned & { error?: RefusalData; note?: string } {
  const [failure] = errors ?? [];
  if (failure || !data) {
    const isOpen = UNAVAILABLE.has(failure?.extensions?.code ?? '');
    return { ...nothing, outcome: isOpen ? 'UNKNOWN' : 'DEFECT', note: JSON.stringify(failure ?? 'no data') };
  }
  if (Array.isArray(data.done)) {
    const decisions = data.done.map(({ grant, ...decision }) => ({ ...decision, grantId: grant?.id ?? null }));
    return { ...nothing, outcome: 'OK', data: { decisions } };
  }
  const payload = data.done ?? {};
  const [refusal] = payload.errors ?? [];
  if (refusal) return { ...nothing, outcome: 'REFUSED', error: refusalOf(refusal) };
  const order = action === 'order' && payload.id ? (payload as { id: string; status: string }) : payload.order;
  return {
    outcome: 'OK',
    data: dataOf(payload, order ?? null),
    checkoutUrl: payload.checkoutUrl ?? payload.order?.checkoutUrl ?? null,
    paidWith: new Map(payload.grants?.nodes.map(({ id, paidWith }) => [id, paidWith])),
  };
}

function refusalOf({ code, shortfall, reason, state }: NonNullable<Payload['errors']>[number]): RefusalData {
  return {
    code,
    ...(shortfall ? { shortfall: shortfall.amount } : {}),
    ...(reason ? { reason } : {}),
    ...(state ? { state } : {}),
  };
}

function dataOf(payload: Payload, order: { id: string; status: string } | null): AnswerData {
  const { grant, refund, transaction, balance, grants, transactions } = payload;
  return {
    ...(grant ? { grant } : {}),
    ...(order ? { order: { id: order.id, status: order.status } } : {}),
    ...(refund ? { refund: { ...refund, amount: refund.amount.amount } } : {}),
    ...(transaction
      ? { transaction: { ...transaction, amount: transaction.amount.amount, balanceAfter: transaction.balanceAfter.amount } }
      : {}),
    ...(balance ? { balance: balanceOf(balance) } : {}),
    ...(grants ? { grants: grants.nodes.map(({ id, status }) => ({ id, status })) } : {}),
    ...(transactions ? { transactions: transactions.nodes } : {}),
  };
}

const balanceOf = ({ version, posted, held, available }: NonNullable<Payload['balance']>): BalanceData => ({
  version,
  posted: posted.amount,
  held: held.amount,
  available: available.amount,
});
