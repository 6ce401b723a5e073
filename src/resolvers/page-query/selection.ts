export type Variables = Readonly<Record<string, unknown>>;

/** A selected field of an object. A list of them is in the order of the response. */
export interface Selected {
  /** Its response key. */
  readonly key: string;
  readonly field: string;
  /** Its arguments, with defaults, once the operation's variables are known. */
  readonly argumentsOf: (variables: Variables) => Readonly<Record<string, unknown>>;
  /** The same when the arguments contain no variable, so that they are known before execution; otherwise null. */
  readonly fixedArguments: Readonly<Record<string, unknown>> | null;
  /** The selection on it; empty for a leaf. */
  readonly selection: readonly Selected[];
}
