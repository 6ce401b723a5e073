import type { Value } from '../../services/accounts/account-page.js';
import { checkedFirst, decodeCursor } from '../../services/pagination.js';
import type { Selected } from './selection.js';

/** Of Postgres' `integer`: what is beyond it is after all rows or before them. */
const MAX_INTEGER = 2_147_483_647;

/** Collects the parameters of a statement and names its rows. */
export class StatementBuilder {
  readonly values: Value[] = [];
  private rowCount = 0;

  /** A new parameter with its type; gives back how the text refers to it. */
  parameter(type: string, value: Value): string {
    this.values.push(value);
    return `$${this.values.length}::${type}`;
  }

  nextRow(): string {
    this.rowCount += 1;
    return `row_${this.rowCount}`;
  }
}

/** How many nodes a connection is asked for, checked. */
export const firstOf =
  (selected: Selected, more = 0): Value =>
  ({ variables, pageMaximumCount }) =>
    checkedFirst(selected.argumentsOf(variables).first as number, pageMaximumCount) + more;

/** An argument as it was given; null when it was not. */
export const argumentOf =
  (selected: Selected, name: string): Value =>
  ({ variables }) =>
    selected.argumentsOf(variables)[name] ?? null;

/** One part of the cursor after which a connection goes on, or of the place before its first row. */
export const positionOf =
  <const Shape extends Parameters<typeof decodeCursor>[1]>(
    selected: Selected,
    shape: Shape,
    start: readonly (string | number)[],
    index: number,
  ): Value =>
  ({ variables }) => {
    const after = selected.argumentsOf(variables).after as string | null | undefined;
    if (after === null || after === undefined) return start[index];
    const part = decodeCursor(after, shape)[index];
    return typeof part === 'number' ? Math.max(0, Math.min(part, MAX_INTEGER)) : part;
  };
