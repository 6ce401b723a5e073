/** What a history shows to be wrong. Each class has tests with planted faults. */
export type FindingClass =
  /** The server answered that it has a defect. */
  | 'DEFECT'
  /** A change was acknowledged, and is not there. */
  | 'ACKNOWLEDGED_CHANGE_LOST'
  /** A change that no operation explains, or that one operation made twice. */
  | 'UNEXPLAINED_CHANGE'
  /** One idempotency key led to different answers or effects. */
  | 'KEY_USED_TWICE'
  /** An operation that completed before another began has the later version. */
  | 'VERSION_OUT_OF_ORDER'
  /** The entries of a journal have a gap, or do not add up. */
  | 'JOURNAL_BROKEN'
  /** The rules lead to another change than the one in the journal. */
  | 'DIFFERS_FROM_MODEL'
  /** No state during an operation explains its answer. */
  | 'ANSWER_NOT_EXPLAINED'
  /** A read returned a state that had already been replaced, or one that did not exist yet. */
  | 'STALE_READ'
  /** A live operation left out a change, or sent one that is not in the journal. */
  | 'STREAM_GAP'
  /** A live operation sent a change twice or out of order. */
  | 'STREAM_DUPLICATE'
  /** The ledger and Stripe do not agree. */
  | 'DIFFERS_FROM_STRIPE'
  /** More was refunded than was paid. */
  | 'REFUND_TOO_HIGH'
  /** The last state of a balance or grant is not what its journal leads to. */
  | 'FINAL_STATE_DIFFERS'
  /** Something had not ended after all the time that it was given. */
  | 'NOT_SETTLED';

export interface Finding {
  readonly class: FindingClass;
  /** Null when it is not about one viewer. */
  readonly viewer: string | null;
  readonly message: string;
  /** The operations concerned, by id. */
  readonly operations: readonly number[];
  /** The number of the journal entry concerned. */
  readonly sequence?: number;
}
