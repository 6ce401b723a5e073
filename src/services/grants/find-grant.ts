import type { Grant } from '../../entities/grant.js';
import { grantColumns } from '../../stores/columns.js';
import type { Queryable, Statement } from '../../stores/database.js';

const byId: Statement = { name: 'grants-by-id', text: `select ${grantColumns} from grants g where id = $1` };
const byIdLocked: Statement = { name: 'grants-by-id-locked', text: `${byId.text} for no key update` };
const byOrderLocked: Statement = {
  name: 'grants-by-order-locked',
  text: `select ${grantColumns} from grants g where order_id = $1 for no key update`,
};

/** The current grant; null when there is none. `id` must be a UUID. */
export async function findGrant(database: Queryable, id: string): Promise<Grant | null> {
  return (await database.query<Grant>(byId, [id]))[0] ?? null;
}

/** Locks the grant; the caller must hold the viewer's lock. */
export async function lockGrant(tx: Queryable, id: string): Promise<Grant | null> {
  return (await tx.query<Grant>(byIdLocked, [id]))[0] ?? null;
}

/** Locks and returns the grant that an order's payment bought; null for a top-up. */
export async function lockGrantOfOrder(tx: Queryable, orderId: string): Promise<Grant | null> {
  return (await tx.query<Grant>(byOrderLocked, [orderId]))[0] ?? null;
}
