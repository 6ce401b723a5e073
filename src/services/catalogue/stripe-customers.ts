import type { Stripe } from 'stripe';
import type { Clock } from '../../runtime/clock.js';
import { type Database, statement } from '../../stores/database.js';
import { withIdempotencyKey } from '../../stores/stripe.js';

interface CustomerRow {
  readonly stripeCustomerId: string;
}

const customerOfViewer = statement('stripe-customer-of-viewer')`select stripe_customer_id as "stripeCustomerId"
    from stripe_customers where user_id = $1`;

// Any conflict, not that of user_id alone: of two that write the same at once, either of the two unique indexes may say so.
const insertCustomer = statement('insert-stripe-customer')`
    insert into stripe_customers (user_id, stripe_customer_id, created_at) values ($1, $2, $3)
    on conflict do nothing`;

const forgetCustomer = statement('forget-stripe-customer')`delete from stripe_customers
    where user_id = $1 and stripe_customer_id = $2`;

/** Which customer at Stripe a viewer is. */
export class StripeCustomers {
  constructor(
    private readonly database: Database,
    private readonly stripe: Stripe,
    private readonly clock: Clock,
  ) {}

  /**
   * The viewer's one customer at Stripe, made the first time. Of several that ask at once all get the same: Stripe makes one
   * for the key, and the first to write it down is right. `missingCustomerId` is one that Stripe turned out not to have: it is
   * forgotten and another is made. Ends in Stripe's errors.
   */
  async customerOf(userId: string, missingCustomerId?: string): Promise<string> {
    if (missingCustomerId) await this.database.forViewer(userId).query(forgetCustomer, [userId, missingCustomerId]);
    const known = await this.find(userId);
    if (known) return known;
    const key = missingCustomerId ? `customer-${userId}-after-${missingCustomerId}` : `customer-${userId}`;
    const customer = await withIdempotencyKey(key, (options) =>
      this.stripe.customers.create({ metadata: { user_id: userId } }, options),
    );
    await this.database.forViewer(userId).query(insertCustomer, [userId, customer.id, this.clock.now()]);
    const kept = await this.find(userId);
    if (!kept) throw new Error(`the customer of viewer ${userId} was written and is not there`);
    return kept;
  }

  private async find(userId: string): Promise<string | undefined> {
    const [row] = await this.database.query<CustomerRow>(customerOfViewer, [userId]);
    return row?.stripeCustomerId;
  }
}
