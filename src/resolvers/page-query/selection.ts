export type Variables = Readonly<Record<string, unknown>>;

/** A field of an object that is asked for; a list of them stands in the order of the answer. */
export interface Selected {
  /** Its name in the answer. */
  readonly key: string;
  readonly field: string;
  /** Its arguments, with defaults, once the operation's variables are known. */
  readonly argumentsOf: (variables: Variables) => Readonly<Record<string, unknown>>;
  /** The same, when no variable has a part in them: known before the operation runs. Else null. */
  readonly fixedArguments: Readonly<Record<string, unknown>> | null;
  /** What of it is asked for; empty for a leaf. */
  readonly selection: readonly Selected[];
}
