import type { Stripe } from 'stripe';
import type { Order } from '../../entities/order.js';
import { type Queryable, statement } from '../../stores/database.js';
import { newId } from '../ids.js';
import type { JoinedTransaction } from '../ledger/joined-transaction.js';
import type { Ledger } from '../ledger/ledger.js';
import type { Unit } from '../ledger/unit.js';
import { findOrderOfPayment } from '../purchases/fulfilment.js';
import { bookOutsideMovement } from '../refunds/outside-returns.js';
import { type Applied, idOf, PaymentNotFulfilledYet } from '../stripe-events/stripe-objects.js';
import { type DisputeState, mergeDispute, stateOf, takenBy } from './decide-dispute.js';

const lockDispute = statement('disputes-lock')`select id, amount, outcome, funds, withdrawn, reinstated, movements from disputes
    where stripe_dispute_id = $1 for no key update`;
const insertDispute = statement('disputes-insert')`
    insert into disputes (id, user_id, order_id, stripe_dispute_id, currency, reason, created_at, updated_at, amount, outcome, funds,
      withdrawn, reinstated, movements)
    values ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9, $10, $11, $12, $13)`;
const moveDispute = statement('disputes-move')`update disputes
    set updated_at = $2, amount = $3, outcome = $4, funds = $5, withdrawn = $6, reinstated = $7, movements = $8
    where id = $1`;
const bookedForDispute = statement('disputes-booked')`select coalesce(- sum(amount), 0)::bigint as booked from transactions
    where dispute_id = $1 and counter_account = 'STRIPE'`;

type KnownDispute = DisputeState & { readonly id: string };

/**
 * Rules 7 and 9: while a dispute is open, the grant is SUSPENDED. What Stripe has taken is first credited from what was spent on the
 * grant, then debited from the balance, which may become negative (a top-up that was spent elsewhere); what Stripe returns is booked
 * in reverse. If the dispute is lost and nothing of the payment is left, the grant is REVOKED.
 */
export class Disputes {
  constructor(
    private readonly database: Queryable,
    private readonly ledger: Ledger,
  ) {}

  /**
   * Applies the state of Stripe's dispute to our records; safe to call any number of times and in any order. A dispute in a different
   * currency from its order is never booked; it is reported.
   *
   * @throws PaymentNotFulfilledYet if the payment's order is not fulfilled yet
   */
  async applyDispute(stripeDispute: Stripe.Dispute, joined: JoinedTransaction | null): Promise<Applied> {
    const paymentIntentId = idOf(stripeDispute.payment_intent);
    if (!paymentIntentId) return 'NOT_OURS';
    const order = await findOrderOfPayment(joined?.tx ?? this.database, paymentIntentId);
    if (!order) throw new PaymentNotFulfilledYet(paymentIntentId);
    const { id, currency } = stripeDispute;
    if (currency.toUpperCase() !== order.currency) {
      joined?.report(`Dispute ${id} is in ${currency.toUpperCase()}, its order ${order.id} in ${order.currency}: not booked.`);
      return 'REPORTED';
    }
    const apply = async (unit: Unit): Promise<Applied> => {
      // 1. Load
      const [known] = await unit.tx.query<KnownDispute>(lockDispute, [id]);
      // 2. Decide
      const state = known ? mergeDispute(known, stripeDispute) : stateOf(stripeDispute);
      const lost = state.outcome === 'LOST' && known?.outcome !== 'LOST';
      // 3. Write the dispute, then book the difference from what is already booked; the ledger commits and notifies
      const disputeId = await writeDispute(unit, known, order, stripeDispute, state);
      const [row] = await unit.tx.query<{ booked: number }>(bookedForDispute, [disputeId]);
      const taken = takenBy(state) - (row?.booked ?? 0);
      await bookOutsideMovement(unit, { kind: 'DISPUTE', taken, disputeId, orderId: order.id, lost });
      return 'APPLIED';
    };
    return this.ledger.change(order, apply, joined);
  }
}

async function writeDispute(
  unit: Unit,
  known: KnownDispute | undefined,
  order: Order,
  stripeDispute: Stripe.Dispute,
  state: DisputeState,
): Promise<string> {
  const { amount, outcome, funds, withdrawn, reinstated, movements } = state;
  const values = [amount, outcome, funds, withdrawn, reinstated, movements];
  const { tx, now } = unit;
  if (known) {
    if (isSame(known, state)) return known.id;
    unit.changed('DISPUTE', known.id);
    await tx.query(moveDispute, [known.id, now, ...values]);
    return known.id;
  }
  const id = newId();
  const { id: stripeDisputeId, reason } = stripeDispute;
  await tx.query(insertDispute, [id, order.userId, order.id, stripeDisputeId, order.currency, reason, now, ...values]);
  unit.changed('DISPUTE', id);
  return id;
}

/** Whether Stripe's news is known already: then nothing is written. */
const isSame = (known: DisputeState, state: DisputeState): boolean =>
  known.amount === state.amount &&
  known.outcome === state.outcome &&
  known.funds === state.funds &&
  known.withdrawn === state.withdrawn &&
  known.reinstated === state.reinstated &&
  known.movements === state.movements;
