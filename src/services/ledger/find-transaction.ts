import type { Transaction } from '../../entities/transaction.js';
import { transactionColumns } from '../../stores/columns.js';
import type { Queryable, Statement } from '../../stores/database.js';

const byId: Statement = { name: 'transactions-by-id', text: `select ${transactionColumns} from transactions t where t.id = $1` };

/** The transaction; null when there is none. `id` must be a UUID. */
export async function findTransaction(database: Queryable, id: string): Promise<Transaction | null> {
  return (await database.query<Transaction>(byId, [id]))[0] ?? null;
}
