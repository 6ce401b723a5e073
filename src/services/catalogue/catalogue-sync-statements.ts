import type { Statement } from '../../stores/database.js';

/**
 * Claims a due copy by moving its due time into the future: until then no other process can claim it. While a copy is in
 * progress its error is null; after a failure it is not, and the due time is when to try again.
 */
export const claimCopy: Statement = {
  name: 'claim-catalogue-copy',
  text: `update subscriptions set stripe_sync_due_at = $3, stripe_sync_error = null
    where id = $1 and stripe_sync_status = 'PENDING' and stripe_sync_due_at <= $2 returning id`,
};

/** Leaves a copy alone that is already in progress or waiting. */
export const copyOnceMore: Statement = {
  name: 'copy-catalogue-once-more',
  text: `update subscriptions set stripe_sync_status = 'PENDING', stripe_sync_due_at = $2
    where id = $1 and stripe_sync_status = 'SYNCED'`,
};

/** Done, unless the subscription has changed since it was read. */
export const finishCopy: Statement = {
  name: 'finish-catalogue-copy',
  text: `update subscriptions set stripe_sync_status = 'SYNCED', stripe_synced_at = $3, stripe_sync_due_at = null,
      stripe_sync_attempts = 0, stripe_sync_error = null
    where id = $1 and updated_at = $2 and stripe_sync_status = 'PENDING' returning id`,
};

export const failCopy: Statement = {
  name: 'fail-catalogue-copy',
  text: `update subscriptions set stripe_sync_attempts = stripe_sync_attempts + 1, stripe_sync_due_at = $2, stripe_sync_error = $3
    where id = $1 and stripe_sync_status = 'PENDING'`,
};

/** The rest of the changes is copied immediately, by the next claim. */
export const releaseCopy: Statement = {
  name: 'release-catalogue-copy',
  text: `update subscriptions set stripe_sync_due_at = $2 where id = $1 and stripe_sync_status = 'PENDING'`,
};

export const saveProductId: Statement = {
  name: 'save-stripe-product-id',
  text: 'update subscriptions set stripe_product_id = $2 where id = $1 and stripe_product_id is distinct from $2',
};

export const savePriceId: Statement = {
  name: 'save-stripe-price-id',
  text: 'update subscription_versions set stripe_price_id = $2 where id = $1 and stripe_price_id is distinct from $2',
};

export const dueCopies: Statement = {
  name: 'due-catalogue-copies',
  text: `select id from subscriptions where stripe_sync_status = 'PENDING' and stripe_sync_due_at <= $1
    order by stripe_sync_due_at limit $2`,
};
