import { resourceMissing } from '../stripe-error.js';
import type { Row, Table } from '../table.js';

/** Returns the row. @throws `No such …`; `param` is 'id' for the object in the path, otherwise the name of the parameter */
export function found<R extends Row>(table: Table<R>, id: string, kind: string, param = 'id'): R {
  const row = table.get(id);
  if (row === undefined) throw resourceMissing(kind, id, param);
  return row;
}
