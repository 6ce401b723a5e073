import { resourceMissing } from '../stripe-error.js';
import type { Row, Table } from '../table.js';

/** The row, or `No such …`; `param` is 'id' for the object of the address, else the parameter that named it. */
export function found<R extends Row>(table: Table<R>, id: string, kind: string, param = 'id'): R {
  const row = table.get(id);
  if (row === undefined) throw resourceMissing(kind, id, param);
  return row;
}
