import type { Value } from '../../services/accounts/account-page.js';
import { checkedFirst, decodeCursor } from '../../services/pagination.js';
import type { Selected } from './selection.js';

/** The maximum of Postgres' `integer`: a position beyond it is after all rows, or before them. */
const MAX_INTEGER = 2_147_483_647;

/** Collects the parameters of a statement and names its rows. */
export class StatementBuilder {
  readonly values: Value[] = [];
  private rowCount = 0;

  /** Adds a parameter of a type; returns the text that refers to it. */
  parameter(type: string, value: Value): string {
    this.values.push(value);
    return `$${this.values.length}::${type}`;
  }

  nextRow(): string {
    this.rowCount += 1;
    return `row_${this.rowCount}`;
  }
}

/** The requested page size of a connection, checked. */
export const firstOf =
  (selected: Selected, more = 0): Value =>
  ({ variables, pageMaximumCount }) =>
    checkedFirst(selected.argumentsOf(variables).first as number, pageMaximumCount) + more;

/** An argument's value; null when it is absent. */
export const argumentOf =
  (selected: Selected, name: string): Value =>
  ({ variables }) =>
    selected.argumentsOf(variables)[name] ?? null;

/** One part of the `after` cursor; without one, of the position before the first row. */
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
