/** A row has an id and is immutable: a change replaces it with a new row of the same id. */
export interface Row {
  readonly id: string;
}

interface Entry<R> {
  row: R;
  readonly sequence: number;
  removed: boolean;
}

/** Rows in insertion order, with indexes on some columns. */
export class Table<R extends Row> {
  private readonly entries = new Map<string, Entry<R>>();
  private readonly columns = new Map<string, Map<string, Entry<R>[]>>();
  private order: Entry<R>[] = [];
  private removedInOrder = 0;
  private nextSequence = 1;

  constructor(
    readonly name: string,
    indexed: readonly (keyof R & string)[] = [],
  ) {
    for (const column of indexed) this.columns.set(column, new Map());
  }

  get size(): number {
    return this.entries.size;
  }

  get(id: string): R | undefined {
    return this.entries.get(id)?.row;
  }

  has(id: string): boolean {
    return this.entries.has(id);
  }

  put(row: R): void {
    const existing = this.entries.get(row.id);
    if (existing === undefined) {
      const entry: Entry<R> = { row, sequence: this.nextSequence, removed: false };
      this.nextSequence += 1;
      this.entries.set(row.id, entry);
      this.order.push(entry);
      for (const [column, values] of this.columns) addToColumn(values, textIn(row, column), entry);
      return;
    }
    const before = existing.row;
    existing.row = row;
    for (const [column, values] of this.columns) {
      const [old, current] = [textIn(before, column), textIn(row, column)];
      if (old === current) continue;
      removeFromColumn(values, old, existing);
      addToColumn(values, current, existing);
    }
  }

  remove(id: string): void {
    const entry = this.entries.get(id);
    if (entry === undefined) return;
    entry.removed = true;
    this.entries.delete(id);
    for (const [column, values] of this.columns) removeFromColumn(values, textIn(entry.row, column), entry);
    this.removedInOrder += 1;
    if (this.removedInOrder * 2 <= this.order.length) return;
    this.order = this.order.filter((kept) => !kept.removed);
    this.removedInOrder = 0;
  }

  clear(): void {
    this.entries.clear();
    for (const values of this.columns.values()) values.clear();
    this.order = [];
    this.removedInOrder = 0;
  }

  /** All rows, oldest first. */
  *rows(): Generator<R> {
    for (const entry of this.order) if (!entry.removed) yield entry.row;
  }

  /** Rows with this value in an indexed column, oldest first. */
  rowsWhere(column: keyof R & string, value: string): R[] {
    return this.entriesWhere(column, value).map((entry) => entry.row);
  }

  /** Rows after a position, towards newer or older ones; without a position, from the first row in that direction. */
  *walk(
    direction: 'newer' | 'older',
    from: string | undefined,
    where?: { column: keyof R & string; value: string },
  ): Generator<R> {
    const list = where === undefined ? this.order : this.entriesWhere(where.column, where.value);
    const anchor = from === undefined ? undefined : this.entries.get(from)?.sequence;
    const step = direction === 'newer' ? 1 : -1;
    let position = anchor === undefined ? (step === 1 ? 0 : list.length - 1) : placeBeside(list, anchor, step);
    for (; position >= 0 && position < list.length; position += step) {
      const entry = list[position];
      if (entry !== undefined && !entry.removed) yield entry.row;
    }
  }

  private entriesWhere(column: string, value: string): Entry<R>[] {
    return this.columns.get(column)?.get(value) ?? [];
  }
}

function textIn(row: object, column: string): string | null {
  const value = (row as Record<string, unknown>)[column];
  return typeof value === 'string' ? value : null;
}

function addToColumn<R>(values: Map<string, Entry<R>[]>, value: string | null, entry: Entry<R>): void {
  if (value === null) return;
  const list = values.get(value);
  if (list === undefined) values.set(value, [entry]);
  else list.splice(placeBeside(list, entry.sequence, 1), 0, entry);
}

function removeFromColumn<R>(values: Map<string, Entry<R>[]>, value: string | null, entry: Entry<R>): void {
  if (value === null) return;
  const list = values.get(value);
  if (list === undefined) return;
  const position = list.indexOf(entry);
  if (position >= 0) list.splice(position, 1);
  if (list.length === 0) values.delete(value);
}

/** The position just after (step 1) or just before (step -1) a sequence number, by binary search. */
function placeBeside<R>(list: readonly Entry<R>[], sequence: number, step: 1 | -1): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const at = list[middle]?.sequence ?? 0;
    if (step === 1 ? at <= sequence : at < sequence) low = middle + 1;
    else high = middle;
  }
  return step === 1 ? low : low - 1;
}
