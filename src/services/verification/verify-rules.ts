import type { Statement } from '../../stores/database.js';
import { finding } from './rule.js';

/**
 * Each rule is one statement over the viewers in $1, and returns a row (userId, rule, expected, found) for each violation.
 * Together they assert that every movement is explained by an order, grant, refund, dispute or admin, and each of those by its
 * movements; so the counter accounts are correct to the cent.
 */
const rule = (name: string, text: string): Statement => ({ name: `verify-${name.toLowerCase().replaceAll('_', '-')}`, text });

export const ledgerRules: readonly Statement[] = [
  rule(
    'BALANCE_IS_SUM_OF_TRANSACTIONS',
    `with moved as (
       select t.user_id, t.amount, t.version, t.balance_after,
         t.balance_after - t.amount <> coalesce(lag(t.balance_after) over (partition by t.user_id order by t.version), 0) as broken
       from transactions t where t.user_id = any($1::uuid[])
     ),
     summed as (
       select b.user_id, b.posted, b.version, coalesce(sum(amount), 0) as amount, coalesce(max(moved.version), 0) as last_version,
         count(*) filter (where broken) as broken
       from balances b left join moved using (user_id) where b.user_id = any($1::uuid[]) group by b.user_id, b.posted, b.version
     )
     ${finding('BALANCE_IS_SUM_OF_TRANSACTIONS', 'user_id', 'amount', 'posted')} from summed where posted <> amount
     union all
     ${finding('TRANSACTIONS_FORM_A_CHAIN', 'user_id', "'each balanceAfter = the one before + amount'", "broken || ' broken'")} from summed where broken > 0
     union all
     ${finding('VERSION_COVERS_ALL_TRANSACTIONS', 'user_id', "'at least ' || last_version", 'version')} from summed where version < last_version`,
  ),
  rule(
    'HELD_IS_SUM_OF_PENDING_HOLDS',
    `${finding('HELD_IS_SUM_OF_PENDING_HOLDS', 'b.user_id', 'h.held', 'b.held')}
     from balances b cross join lateral (
       select coalesce(sum(amount), 0) as held from holds where user_id = b.user_id and status = 'PENDING'
     ) h where b.user_id = any($1::uuid[]) and b.held <> h.held`,
  ),
  rule(
    'AVAILABLE_IS_NOT_NEGATIVE',
    // The balance may be below zero only by what disputes, refunds made at Stripe and abandoned payouts that succeeded have
    // taken since the point at which they had returned the most: what they return may be spent before they take more. All
    // movements that one of them posts at once count together.
    `${finding('AVAILABLE_IS_NOT_NEGATIVE', 'b.user_id', "'at least ' || taken.net - taken.peak", 'b.posted - b.held')}
     from balances b cross join lateral (
       select coalesce(sum(outside), 0) as net, greatest(max(net) filter (where at_its_end), 0) as peak
       from (
         select outside, sum(outside) over by_version as net, subject is distinct from lead(subject) over by_version
           or created_at <> lead(created_at) over by_version as at_its_end
         from (
           select t.version, t.created_at, coalesce(t.dispute_id, t.refund_id) as subject,
             case when t.kind = 'DISPUTE' or r.origin = 'STRIPE' or (h.status = 'RELEASED' and t.counter_account = 'STRIPE')
               then t.amount else 0 end as outside
           from transactions t left join refunds r on r.id = t.refund_id left join holds h on h.refund_id = r.id
           where t.user_id = b.user_id
         ) posted window by_version as (order by version)
       ) summed
     ) taken
     where b.user_id = any($1::uuid[]) and b.posted - b.held < least(taken.net - taken.peak, 0)`,
  ),
  rule(
    'GRANT_HAS_ITS_SPENDING',
    `${finding('GRANT_HAS_ITS_SPENDING', 'g.user_id', "'a SPENDING for grant ' || g.id", "coalesce(s.kind || ' ' || s.amount, 'none')")}
     from grants g left join transactions s on s.id = g.spending_id left join subscription_versions v on v.id = g.version_id
     where g.user_id = any($1::uuid[]) and g.paid_with <> 'GIFT'
       and (s.id is null or s.kind <> 'SPENDING' or s.grant_id <> g.id or s.user_id <> g.user_id
         or (g.paid_with = 'BALANCE' and - s.amount is distinct from v.price))`,
  ),
  rule(
    'SPENDING_HAS_ITS_GRANT',
    `${finding('SPENDING_HAS_ITS_GRANT', 's.user_id', "'a grant paid by ' || s.id", "coalesce(g.spending_id::text, 'none')")}
     from transactions s left join grants g on g.id = s.grant_id
     where s.user_id = any($1::uuid[]) and s.kind = 'SPENDING'
       and (g.spending_id is distinct from s.id or g.user_id <> s.user_id)`,
  ),
  rule(
    'PAID_ORDER_HAS_ITS_TOP_UP',
    `${finding('PAID_ORDER_HAS_ITS_TOP_UP', 'o.user_id', 'o.captured_amount', "coalesce(t.amount::text, 'none') || ' for order ' || o.id")}
     from orders o left join transactions t on t.order_id = o.id and t.kind = 'TOP_UP'
     where o.user_id = any($1::uuid[]) and o.status = 'PAID' and o.captured_amount > 0
       and (t.id is null or t.amount <> o.captured_amount or t.user_id <> o.user_id
         or t.stripe_payment_intent_id <> o.stripe_payment_intent_id)`,
  ),
  rule(
    'TOP_UP_HAS_ITS_PAID_ORDER',
    `${finding('TOP_UP_HAS_ITS_PAID_ORDER', 't.user_id', "'order ' || t.order_id || ' PAID'", "coalesce(o.status || ' of ' || o.user_id, 'none')")}
     from transactions t left join orders o on o.id = t.order_id
     where t.user_id = any($1::uuid[]) and t.kind = 'TOP_UP' and (o.status is distinct from 'PAID' or o.user_id <> t.user_id)`,
  ),
  rule(
    'PAID_PURCHASE_HAS_ITS_GRANT',
    `${finding('PAID_PURCHASE_HAS_ITS_GRANT', 'o.user_id', "'a grant for order ' || o.id", "'none'")}
     from orders o where o.user_id = any($1::uuid[]) and o.status = 'PAID' and o.kind = 'PURCHASE'
       and not exists (select from grants g where g.order_id = o.id and g.user_id = o.user_id)`,
  ),
  rule(
    'REFUND_MATCHES_ITS_TRANSACTIONS',
    `with posted as (
       select r.*, h.status as hold_status, h.amount as hold_amount,
         coalesce((select sum(amount) from transactions t where t.refund_id = r.id and counter_account = 'REVENUE'), 0) as credited,
         coalesce((select sum(amount) from transactions t where t.refund_id = r.id and counter_account = 'STRIPE'), 0) as paid_out
       from refunds r left join holds h on h.refund_id = r.id where r.user_id = any($1::uuid[])
     ),
     expected as (
       select *, case when destination = 'BALANCE' or status = 'FAILED' or (status = 'PENDING' and origin = 'REQUEST') then 0
           else - amount end as should_pay_out,
         case when origin = 'STRIPE' then credited when grant_id is null then 0 else amount end as should_credit,
         case when origin = 'STRIPE' or destination = 'BALANCE' then 'none' when status = 'PENDING' then 'PENDING ' || amount
           when hold_status = 'PENDING' or hold_status is null then 'resolved' else hold_status || ' ' || amount end as should_hold
       from posted
     )
     ${finding('REFUND_MATCHES_ITS_TRANSACTIONS', 'user_id', "should_credit || ' / ' || should_pay_out || ' / ' || should_hold", "credited || ' / ' || paid_out || ' / ' || coalesce(hold_status || ' ' || hold_amount, 'none') || ' for refund ' || id")}
     from expected where credited <> should_credit or paid_out <> should_pay_out
       or coalesce(hold_status || ' ' || hold_amount, 'none') <> should_hold`,
  ),
  rule(
    'REFUNDS_ARE_WITHIN_CAPTURE',
    `${finding('REFUNDS_ARE_WITHIN_CAPTURE', 'o.user_id', "'at most ' || coalesce(o.captured_amount, 0)", "sum(r.amount) || ' for order ' || o.id")}
     from orders o join refunds r on r.order_id = o.id and r.status <> 'FAILED'
     where o.user_id = any($1::uuid[]) group by o.user_id, o.id, o.captured_amount having sum(r.amount) > coalesce(o.captured_amount, 0)`,
  ),
  rule(
    'REFUNDED_GRANT_HAS_ITS_REFUND',
    `${finding('REFUNDED_GRANT_HAS_ITS_REFUND', 'g.user_id', "'a refund of grant ' || g.id", "'none'")}
     from grants g where g.user_id = any($1::uuid[]) and g.status = 'REFUNDED'
       and not exists (select from refunds r where r.grant_id = g.id)`,
  ),
  rule(
    'DISPUTE_MATCHES_ITS_TRANSACTIONS',
    `with posted as (
       select d.*, - greatest(withdrawn - reinstated, 0) as should_take,
         coalesce((select sum(amount) from transactions t where t.dispute_id = d.id and counter_account = 'STRIPE'), 0) as taken
       from disputes d where d.user_id = any($1::uuid[])
     )
     ${finding('DISPUTE_MATCHES_ITS_TRANSACTIONS', 'user_id', "should_take || ', ' || funds", "taken || ' for dispute ' || id")}
     from posted where taken <> should_take or (funds = 'WITHDRAWN') <> (should_take < 0)`,
  ),
  rule(
    'GRANT_RETURNS_ARE_WITHIN_ITS_PRICE',
    `with posted as (
       select g.id, g.user_id, coalesce(- sum(t.amount) filter (where t.kind = 'SPENDING'), 0) as paid,
         coalesce(sum(t.amount) filter (where t.kind <> 'SPENDING'), 0) as returned
       from grants g join transactions t on t.grant_id = g.id and t.counter_account = 'REVENUE'
       where g.user_id = any($1::uuid[]) group by g.user_id, g.id
     )
     ${finding('GRANT_RETURNS_ARE_WITHIN_ITS_PRICE', 'user_id', "'0 to ' || paid", "returned || ' for grant ' || id")}
     from posted where returned < 0 or returned > paid`,
  ),
  rule(
    'LIVING_GRANT_MATCHES_WHAT_ITS_PAYMENT_LOST',
    // Rule 7: everything that left the payment was credited first, up to what was paid for the grant; what came back pays for it
    // again. A refund of ours that was requested after the last news from Stripe, when the grant was already over, ends nothing,
    // even if it takes the rest.
    `with payment as (
       select g.id, g.user_id, o.captured_amount as captured, spending.paid, spending.credited, refund.refunded, refund.outside,
         dispute.disputed, dispute.finally
       from grants g join orders o on o.id = g.order_id
       cross join lateral (
         select coalesce(sum(greatest(withdrawn - reinstated, 0)), 0) as disputed, max(updated_at) as heard_at,
           coalesce(sum(greatest(withdrawn - reinstated, 0))
             filter (where outcome = 'LOST' or (outcome = 'WON' and reinstated > 0)), 0) as finally
         from disputes where order_id = o.id
       ) dispute
       cross join lateral (
         select coalesce(sum(amount) filter (where origin = 'STRIPE' or created_at < heard_at), 0) as refunded,
           coalesce(sum(amount) filter (where origin = 'STRIPE'), 0) as outside
         from (
           select *, greatest(max(created_at) filter (where origin = 'STRIPE') over (), dispute.heard_at) as heard_at
           from refunds where order_id = o.id and status <> 'FAILED'
         ) r
       ) refund
       cross join lateral (
         select coalesce(- sum(t.amount) filter (where t.kind = 'SPENDING'), 0) as paid,
           coalesce(sum(t.amount) filter (where t.kind = 'DISPUTE' or r.origin = 'STRIPE'), 0) as credited
         from transactions t left join refunds r on r.id = t.refund_id
         where t.grant_id = g.id and t.counter_account = 'REVENUE'
       ) spending
       where g.user_id = any($1::uuid[]) and g.status in ('ACTIVE', 'SUSPENDED', 'EXPIRED')
     )
     ${finding('LIVING_GRANT_MATCHES_WHAT_ITS_PAYMENT_LOST', 'user_id', "outside + disputed || ' credited, less than ' || captured || ' finally lost'", "credited || ' credited, ' || refunded + finally || ' finally lost for grant ' || id")}
     from payment where credited <> least(outside + disputed, paid) or (outside + disputed > 0 and refunded + finally >= captured)`,
  ),
  rule(
    'MANUAL_CHANGE_HAS_ITS_AUDIT_ENTRY',
    // In both directions. A gift that was revoked names its revocation; that it was gifted, only the entry says.
    `with changed as (
       select user_id, id, actor_id, text_digest, 'adjustBalance' as action from transactions
       where user_id = any($1::uuid[]) and (kind = 'ADJUSTMENT' or text_digest is not null)
       union all
       select user_id, id, actor_id, text_digest, case status when 'REVOKED' then 'revokeGrant' else 'giftGrant' end from grants
       where user_id = any($1::uuid[]) and (paid_with = 'GIFT' or text_digest is not null)
     ),
     entry as (
       select viewer_id, subject_id, actor_id, text_digest, action from audit_entries
       where viewer_id = any($1::uuid[]) and action in ('adjustBalance', 'giftGrant', 'revokeGrant')
     )
     ${finding('MANUAL_CHANGE_HAS_ITS_AUDIT_ENTRY', 'user_id', "'an entry ' || action || ' by ' || coalesce(actor_id::text, 'nobody') || ' for ' || id", "'none'")}
     from changed where not exists (
       select from entry where entry.subject_id = changed.id and entry.viewer_id = changed.user_id and entry.action = changed.action
         and entry.actor_id = changed.actor_id and entry.text_digest = changed.text_digest)
     union all
     ${finding('MANUAL_CHANGE_HAS_ITS_AUDIT_ENTRY', 'viewer_id', "'what ' || action || ' changed: ' || subject_id", "'none'")}
     from entry where not exists (
       select from changed where changed.id = entry.subject_id
         and (entry.action = 'giftGrant' or changed.text_digest = entry.text_digest))`,
  ),
  rule(
    'TEXT_MATCHES_ITS_DIGEST',
    `${finding('TEXT_MATCHES_ITS_DIGEST', 'a.viewer_id', "'the text or its erasure: ' || encode(a.text_digest, 'hex')", "case when t.digest is null then 'none' else 'another text' end")}
     from audit_entries a left join erasable_texts t on t.digest = a.text_digest and t.user_id = a.viewer_id
     where a.viewer_id = any($1::uuid[]) and (t.digest is null or t.digest <> sha256(t.salt || convert_to(t.text, 'UTF8')))`,
  ),
];

/** The counter accounts by currency: together with the balances they sum to zero. */
export const verifyAccounts: Statement = {
  name: 'verify-accounts-sum-to-zero',
  text: `with account as (
      select currency, sum(posted) as balances, 0::numeric as counter_accounts from balances group by currency
      union all
      select currency, 0, - sum(amount) from transactions group by currency
    )
    ${finding('ACCOUNTS_SUM_TO_ZERO', 'null::uuid', "'0 ' || currency", "sum(balances + counter_accounts) || ' ' || currency")}
    from account group by currency having sum(balances + counter_accounts) <> 0`,
};
