/** The viewers of the scene that is damaged, by what happened to them. */
export interface DamageScene {
  /** Bought, refunded, disputed. */
  readonly viewer: string;
  /** Has only refunds asked for here. */
  readonly poor: string;
  /** Below zero by a dispute. */
  readonly chargedBack: string;
  /** Nobody. */
  readonly stranger: string;
}

/** What the damage is, the statements that make it, and the rules besides those of the journal that notice it. */
export type Damage = readonly [what: string, statements: (scene: DamageScene) => readonly string[], rules: readonly string[]];

const ofPoor = ({ poor }: DamageScene) => `where user_id = '${poor}'`;
const refundWhere = (condition: string) => `where id = (select id from refunds where ${condition} order by id limit 1)`;
const holdOf = (condition: string) =>
  `where refund_id = (select refund_id from holds join refunds r on r.id = refund_id where ${condition} order by refund_id limit 1)`;
const grantWhere = (condition: string) => `where id = (select id from grants where ${condition} order by id limit 1)`;

/** Kinds of damage to money, each found by the rules of the ledger itself. */
export const LEDGER_DAMAGE: readonly Damage[] = [
  ['less held than its holds', () => [`update balances set held = held - 1 where held > 0`], ['HELD_IS_SUM_OF_PENDING_HOLDS']],
  [
    'a hold that is resolved while its balance still holds it',
    () => [`update holds set status = 'RELEASED', resolved_at = now() where status = 'PENDING'`],
    ['HELD_IS_SUM_OF_PENDING_HOLDS', 'REFUND_MATCHES_ITS_TRANSACTIONS'],
  ],
  [
    'a hold of another viewer',
    (scene) => [`update holds set user_id = '${scene.poor}' where status = 'PENDING'`],
    ['HELD_IS_SUM_OF_PENDING_HOLDS', 'REFERENCES_STAY_WITH_THE_VIEWER'],
  ],
  [
    'an overdraft of who only asked for refunds here',
    (scene) => [`update balances set posted = -1 ${ofPoor(scene)}`],
    ['ACCOUNTS_SUM_TO_ZERO', 'AVAILABLE_IS_NOT_NEGATIVE', 'BALANCE_IS_SUM_OF_TRANSACTIONS'],
  ],
  [
    'more held than there is',
    (scene) => [`update balances set held = 801 ${ofPoor(scene)}`],
    ['AVAILABLE_IS_NOT_NEGATIVE', 'HELD_IS_SUM_OF_PENDING_HOLDS'],
  ],
  ['all held that there is', (scene) => [`update balances set held = 800 ${ofPoor(scene)}`], ['HELD_IS_SUM_OF_PENDING_HOLDS']],
  [
    'a balance a cent too low',
    (scene) => [`update balances set posted = posted - 1 ${ofPoor(scene)}`],
    ['ACCOUNTS_SUM_TO_ZERO', 'BALANCE_IS_SUM_OF_TRANSACTIONS'],
  ],
  [
    'a balance whose version is behind its last transaction',
    (scene) => [`update balances set version = version - 1 ${ofPoor(scene)}`],
    ['VERSION_COVERS_ALL_TRANSACTIONS'],
  ],
  [
    'a transaction in the middle that says another balance',
    (scene) => [`update transactions set balance_after = balance_after + 1 ${ofPoor(scene)} and version = 2`],
    ['TRANSACTIONS_FORM_A_CHAIN'],
  ],
  [
    'a first transaction that does not begin at zero',
    (scene) => [`update transactions set balance_after = balance_after + 1 ${ofPoor(scene)}`],
    ['TRANSACTIONS_FORM_A_CHAIN'],
  ],
  [
    'a transaction in another currency',
    (scene) => [`update transactions set currency = 'EUR' ${ofPoor(scene)} and version = 1`],
    ['ACCOUNTS_SUM_TO_ZERO', 'ONE_BALANCE_ONE_CURRENCY'],
  ],

  [
    'a grant whose spending is gone',
    () => [`update grants set spending_id = gen_random_uuid() where paid_with = 'BALANCE'`],
    ['GRANT_HAS_ITS_SPENDING', 'REFERENCES_STAY_WITH_THE_VIEWER', 'SPENDING_HAS_ITS_GRANT'],
  ],
  [
    'a grant paid by what is no spending',
    (scene) => [
      `update transactions set kind = 'ADJUSTMENT', counter_account = 'ADJUSTMENT', text_digest = 'none', actor_id = user_id
         where id = (select spending_id from grants where status = 'ACTIVE' and paid_with = 'BALANCE' and user_id = '${scene.viewer}')`,
    ],
    ['GRANT_HAS_ITS_SPENDING'],
  ],
  [
    'a spending that is for another grant than the one it pays',
    (scene) => [
      `update transactions set grant_id = (select id from grants where paid_with = 'GIFT')
         where id = (select spending_id from grants where status = 'ACTIVE' and paid_with = 'BALANCE' and user_id = '${scene.viewer}')`,
    ],
    ['GRANT_HAS_ITS_SPENDING', 'SPENDING_HAS_ITS_GRANT'],
  ],
  [
    'a grant of another viewer than the one who paid for it',
    (scene) => [`update grants set user_id = '${scene.poor}' ${grantWhere("status = 'ACTIVE' and paid_with = 'BALANCE'")}`],
    [
      'GRANT_HAS_ITS_SPENDING',
      'IDEMPOTENCY_RECORD_NAMES_ITS_RESULT',
      'REFERENCES_STAY_WITH_THE_VIEWER',
      'SPENDING_HAS_ITS_GRANT',
    ],
  ],
  [
    'a grant of somebody who has no balance',
    (scene) => [`update grants set user_id = '${scene.stranger}' ${grantWhere("status = 'ACTIVE' and paid_with = 'BALANCE'")}`],
    [
      'GRANT_HAS_ITS_SPENDING',
      'IDEMPOTENCY_RECORD_NAMES_ITS_RESULT',
      'REFERENCES_STAY_WITH_THE_VIEWER',
      'SPENDING_HAS_ITS_GRANT',
      'VIEWER_HAS_A_BALANCE',
    ],
  ],
  [
    'a grant from the balance at another price than was taken',
    () => [`update grants set price_per_day = price_per_day + 1 ${grantWhere("status = 'ACTIVE' and paid_with = 'BALANCE'")}`],
    ['GRANT_HAS_THE_TERMS_OF_ITS_VERSION'],
  ],
  [
    'a spending whose grant is gone',
    () => [`delete from grants ${grantWhere("status = 'ACTIVE' and paid_with = 'BALANCE'")}`],
    ['IDEMPOTENCY_RECORD_NAMES_ITS_RESULT', 'REFERENCES_STAY_WITH_THE_VIEWER', 'SPENDING_HAS_ITS_GRANT'],
  ],

  [
    'a payment whose top-up is gone',
    (scene) => [
      `update transactions set kind = 'ADJUSTMENT', counter_account = 'ADJUSTMENT', text_digest = 'none', actor_id = user_id,
           stripe_payment_intent_id = null ${ofPoor(scene)} and kind = 'TOP_UP' and amount = 600`,
    ],
    ['PAID_ORDER_HAS_ITS_TOP_UP'],
  ],
  [
    'a payment that was booked too low',
    (scene) => [`update orders set captured_amount = captured_amount + 1 ${ofPoor(scene)} and amount = 600`],
    ['PAID_ORDER_HAS_ITS_TOP_UP'],
  ],
  [
    'a payment that was booked to another viewer',
    (scene) => [`update orders set user_id = '${scene.chargedBack}' ${ofPoor(scene)} and amount = 600`],
    [
      'IDEMPOTENCY_RECORD_NAMES_ITS_RESULT',
      'PAID_ORDER_HAS_ITS_TOP_UP',
      'REFERENCES_STAY_WITH_THE_VIEWER',
      'TOP_UP_HAS_ITS_PAID_ORDER',
    ],
  ],
  [
    'a payment that was booked to a viewer who has no balance',
    (scene) => [`update orders set user_id = '${scene.stranger}' ${ofPoor(scene)} and amount = 600`],
    [
      'IDEMPOTENCY_RECORD_NAMES_ITS_RESULT',
      'PAID_ORDER_HAS_ITS_TOP_UP',
      'REFERENCES_STAY_WITH_THE_VIEWER',
      'TOP_UP_HAS_ITS_PAID_ORDER',
      'VIEWER_HAS_A_BALANCE',
    ],
  ],
  [
    'a top-up that names another payment than its order',
    (scene) => [`update orders set stripe_payment_intent_id = 'pi_of_another' ${ofPoor(scene)} and amount = 600`],
    ['PAID_ORDER_HAS_ITS_TOP_UP'],
  ],
  [
    'a top-up whose order was not paid',
    (scene) => [
      `update refunds set status = 'FAILED' where order_id in (select id from orders ${ofPoor(scene)} and amount = 600)`,
      `update orders set status = 'FAILED', captured_amount = null, paid_at = null ${ofPoor(scene)} and amount = 600`,
    ],
    ['REFUND_MATCHES_ITS_TRANSACTIONS', 'TOP_UP_HAS_ITS_PAID_ORDER'],
  ],
  [
    'a top-up whose order is gone',
    (scene) => [`delete from orders where kind = 'TOP_UP' and user_id = '${scene.chargedBack}'`],
    ['IDEMPOTENCY_RECORD_NAMES_ITS_RESULT', 'REFERENCES_STAY_WITH_THE_VIEWER', 'TOP_UP_HAS_ITS_PAID_ORDER'],
  ],
  [
    'a paid purchase that gave no grant',
    () => [`update grants set paid_with = 'BALANCE', order_id = null where price_per_day = 0`],
    ['PAID_PURCHASE_HAS_ITS_GRANT'],
  ],
  [
    'a refunded grant that nobody refunded',
    () => [`update grants set status = 'REFUNDED' where paid_with = 'GIFT'`],
    ['REFUNDED_GRANT_HAS_ITS_REFUND'],
  ],

  [
    'a refund to the balance that credited less than it says',
    () => [`update refunds set amount = amount + 1 where destination = 'BALANCE'`],
    ['REFUND_MATCHES_ITS_TRANSACTIONS'],
  ],
  [
    'a refund to the balance that was paid out too',
    () => [
      `update transactions set counter_account = 'STRIPE' where refund_id = (select id from refunds where destination = 'BALANCE' limit 1)`,
    ],
    ['REFUND_MATCHES_ITS_TRANSACTIONS'],
  ],
  [
    'a refund to the balance with a hold',
    () => [
      `insert into holds (id, user_id, refund_id, amount, status, created_at, expires_at, resolved_at)
         select gen_random_uuid(), user_id, id, amount, 'RELEASED', now(), now(), now() from refunds where destination = 'BALANCE'`,
    ],
    ['REFUND_MATCHES_ITS_TRANSACTIONS'],
  ],
  [
    'a refund made at Stripe with a hold',
    () => [
      `insert into holds (id, user_id, refund_id, amount, status, created_at, expires_at, resolved_at)
         select gen_random_uuid(), user_id, id, amount, 'RELEASED', now(), now(), now() from refunds where origin = 'STRIPE' limit 1`,
    ],
    ['REFUND_MATCHES_ITS_TRANSACTIONS'],
  ],
  [
    'a payout that paid more than the refund and its hold say',
    (scene) => [
      `update refunds set amount = amount - 1 where user_id = '${scene.poor}' and amount = 400`,
      `update holds set amount = amount - 1 where user_id = '${scene.poor}' and amount = 400`,
    ],
    ['REFUND_MATCHES_ITS_TRANSACTIONS'],
  ],
  [
    'a refund of a grant to the card that credited less than it says',
    () => [
      `update transactions set counter_account = 'ADJUSTMENT', kind = 'ADJUSTMENT', text_digest = 'none', actor_id = user_id
         where amount > 0 and refund_id = (select id from refunds where origin = 'REQUEST' and destination = 'CARD'
           and status = 'SUCCEEDED' and grant_id is not null)`,
    ],
    ['REFUND_MATCHES_ITS_TRANSACTIONS'],
  ],
  [
    'a refund of a top-up that credited something',
    () => [
      `update refunds set grant_id = (select id from grants where paid_with = 'GIFT') ${refundWhere("status = 'PENDING' and origin = 'REQUEST'")}`,
    ],
    ['REFUND_MATCHES_ITS_TRANSACTIONS'],
  ],
  [
    'a refund made at Stripe that took less than it says',
    () => [`update refunds set amount = amount + 1 where origin = 'STRIPE' and status = 'PENDING'`],
    ['REFUND_MATCHES_ITS_TRANSACTIONS'],
  ],
  [
    'a payout that failed without the money put back',
    (scene) => [`update refunds set status = 'FAILED' where user_id = '${scene.poor}' and amount = 400`],
    ['REFUND_MATCHES_ITS_TRANSACTIONS'],
  ],
  [
    'a payout that says it succeeded and paid nothing',
    () => [`update refunds set status = 'SUCCEEDED' where status = 'PENDING' and origin = 'REQUEST'`],
    ['REFUND_MATCHES_ITS_TRANSACTIONS'],
  ],
  [
    'a pending payout that holds less than it pays',
    () => [`update holds set amount = amount - 1 where status = 'PENDING'`, 'update balances set held = held - 2 where held > 0'],
    ['REFUND_MATCHES_ITS_TRANSACTIONS'],
  ],
  [
    'a pending payout whose hold was released',
    () => [
      `update holds set status = 'RELEASED', resolved_at = now() where status = 'PENDING'`,
      'update balances set held = 0 where held > 0',
    ],
    ['REFUND_MATCHES_ITS_TRANSACTIONS'],
  ],
  [
    'a payout that ended with its money still held',
    (scene) => [
      `update holds set status = 'PENDING', resolved_at = null ${holdOf("r.status = 'SUCCEEDED' and r.amount = 100")}`,
      `update balances set held = held + 100 ${ofPoor(scene)}`,
    ],
    ['REFUND_MATCHES_ITS_TRANSACTIONS'],
  ],
  [
    'a payout that ended and never held its money',
    () => [`delete from holds ${holdOf("r.status = 'SUCCEEDED'")}`],
    ['REFUND_MATCHES_ITS_TRANSACTIONS'],
  ],
  [
    'a payout that ended and held less than it paid',
    () => [`update holds set amount = amount - 1 ${holdOf("r.status = 'SUCCEEDED'")}`],
    ['REFUND_MATCHES_ITS_TRANSACTIONS'],
  ],
  [
    'refunds of a payment a cent above what it captured',
    (scene) => [
      `update orders set captured_amount = captured_amount - 1 ${ofPoor(scene)} and amount = 700`,
      `update transactions set amount = amount - 1 ${ofPoor(scene)} and kind = 'TOP_UP' and amount = 700`,
      `update transactions set amount = amount + 1 ${ofPoor(scene)} and kind = 'ADJUSTMENT'`,
      `update transactions set balance_after = balance_after + 1 ${ofPoor(scene)} and kind = 'ADJUSTMENT'`,
    ],
    ['REFUNDS_ARE_WITHIN_CAPTURE'],
  ],
  [
    'refunds of a payment that captured nothing',
    () => [
      `update refunds set order_id = (select id from orders where status = 'OPEN' limit 1) ${refundWhere('user_id = (select user_id from orders where amount = 600) and amount = 100')}`,
    ],
    ['REFUNDS_ARE_WITHIN_CAPTURE'],
  ],

  [
    'a dispute that took less than it says',
    () => [
      `update disputes set withdrawn = withdrawn + 1 where outcome = 'OPEN' and order_id in (select id from orders where kind = 'TOP_UP')
          or outcome = 'LOST'`,
    ],
    ['DISPUTE_MATCHES_ITS_TRANSACTIONS'],
  ],
  [
    'a dispute whose money came back by halves and without a movement',
    () => [`update disputes set reinstated = reinstated + 1 where outcome = 'LOST'`],
    ['DISPUTE_MATCHES_ITS_TRANSACTIONS'],
  ],
  [
    'a dispute that gave its money back without a movement',
    () => [`update disputes set outcome = 'WON', funds = 'REINSTATED' where outcome = 'OPEN'`],
    ['DISPUTE_MATCHES_ITS_TRANSACTIONS'],
  ],
  [
    'a dispute that was won and took money all the same',
    () => [`update disputes set outcome = 'LOST', funds = 'WITHDRAWN' where outcome = 'WON'`],
    ['DISPUTE_MATCHES_ITS_TRANSACTIONS'],
  ],
  [
    'a dispute that gave its money back and let the viewer keep the credit',
    () => [
      `update transactions set kind = 'ADJUSTMENT', counter_account = 'ADJUSTMENT', text_digest = 'none', actor_id = user_id
         where amount < 0 and counter_account = 'REVENUE' and dispute_id is not null`,
    ],
    ['LIVING_GRANT_MATCHES_WHAT_ITS_PAYMENT_LOST'],
  ],
  [
    'a dispute that credited nothing for the grant whose payment it took',
    () => [
      `update transactions set kind = 'ADJUSTMENT', counter_account = 'ADJUSTMENT', text_digest = 'none', actor_id = user_id, dispute_id = null
         where amount > 0 and counter_account = 'REVENUE' and dispute_id = (select id from disputes where outcome = 'OPEN')`,
    ],
    ['LIVING_GRANT_MATCHES_WHAT_ITS_PAYMENT_LOST'],
  ],
  [
    'a grant that lives although nothing of its payment is left',
    () => [`update grants set status = 'ACTIVE', ended_at = null where status = 'REVOKED'`],
    ['LIVING_GRANT_MATCHES_WHAT_ITS_PAYMENT_LOST'],
  ],
  [
    'a grant that was returned twice',
    () => [
      `update transactions set kind = 'REFUND', counter_account = 'REVENUE', text_digest = null, actor_id = null,
           refund_id = (select id from refunds where origin = 'STRIPE' and grant_id is not null and amount = 1000 order by created_at, id limit 1),
           grant_id = (select grant_id from refunds where origin = 'STRIPE' and grant_id is not null and amount = 1000 order by created_at, id limit 1)
         where kind = 'ADJUSTMENT' and user_id = (select user_id from grants where paid_with = 'GIFT')`,
    ],
    ['GRANT_RETURNS_ARE_WITHIN_ITS_PRICE', 'IDEMPOTENCY_RECORD_NAMES_ITS_RESULT'],
  ],
  [
    'a balance further below zero than what disputes took',
    (scene) => [`update balances set held = held + 1 where user_id = '${scene.chargedBack}'`],
    ['AVAILABLE_IS_NOT_NEGATIVE', 'HELD_IS_SUM_OF_PENDING_HOLDS'],
  ],
  [
    'a dispute that charged the viewer for the grant it took away',
    () => [
      `update transactions set kind = 'ADJUSTMENT', counter_account = 'ADJUSTMENT', text_digest = 'none', actor_id = user_id, dispute_id = null
         where amount > 0 and dispute_id = (select id from disputes where outcome = 'WON')`,
      `update disputes set funds = 'WITHDRAWN', outcome = 'LOST' where outcome = 'WON'`,
    ],
    ['DISPUTE_MATCHES_ITS_TRANSACTIONS', 'GRANT_RETURNS_ARE_WITHIN_ITS_PRICE', 'LIVING_GRANT_MATCHES_WHAT_ITS_PAYMENT_LOST'],
  ],
];
