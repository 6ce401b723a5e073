export interface LedgerDiscrepancy {
  /** Null: it is not about one viewer. */
  readonly userId: string | null;
  readonly rule: string;
  readonly expected: string;
  readonly found: string;
}

/** SQL: selects a LedgerDiscrepancy for each row that breaks the rule; without a `from`. `user`, `expected` and `found` are SQL too. */
export const finding = (rule: string, user: string, expected: string, found: string): string =>
  `select ${user} as "userId", '${rule}' as rule, (${expected})::text as expected, (${found})::text as found`;
