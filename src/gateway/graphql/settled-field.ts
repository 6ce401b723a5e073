/**
 * The outcome of a mutation's field. Used as an operation's root value, it makes graphql-js complete that outcome: a mutation must not run
 * again because its payload could not be written from rows.
 */
export class SettledField {
  private constructor(private readonly outcome: { readonly value: unknown } | { readonly error: unknown }) {}

  /** Runs the mutation. Never rejects. */
  static async of(run: () => unknown): Promise<SettledField> {
    try {
      return new SettledField({ value: await run() });
    } catch (error) {
      return new SettledField({ error });
    }
  }

  /** @throws what the mutation threw */
  result(): unknown {
    if ('error' in this.outcome) throw this.outcome.error;
    return this.outcome.value;
  }
}
