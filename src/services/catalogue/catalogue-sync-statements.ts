import { statement } from '../../stores/database.js';

/**
 * Claims a due copy by moving its due time into the future: until then no other process can claim it. While a copy is in
 * progress its error is null; after a failure it is not, and the due time is when to try again.
 */
export const claimCopy = statement('claim-catalogue-copy')`update subscriptions
    set stripe_sync_due_at = $3, stripe_sync_error = null
    where id = $1 and stripe_sync_status = 'PENDING' and stripe_sync_due_at <= $2 returning id`;

/** Leaves a copy alone that is already in progress or waiting. */
export const copyOnceMore = statement('copy-catalogue-once-more')`update subscriptions
    set stripe_sync_status = 'PENDING', stripe_sync_due_at = $2
    where id = $1 and stripe_sync_status = 'SYNCED'`;

/** Done, unless the subscription has changed since it was read. */
export const finishCopy = statement('finish-catalogue-copy')`update subscriptions
    set stripe_sync_status = 'SYNCED', stripe_synced_at = $3, stripe_sync_due_at = null,
      stripe_sync_attempts = 0, stripe_sync_error = null
    where id = $1 and updated_at = $2 and stripe_sync_status = 'PENDING' returning id`;

export const failCopy = statement('fail-catalogue-copy')`update subscriptions
    set stripe_sync_attempts = stripe_sync_attempts + 1, stripe_sync_due_at = $2, stripe_sync_error = $3
    where id = $1 and stripe_sync_status = 'PENDING'`;

/** The rest of the changes is copied immediately, by the next claim. */
export const releaseCopy = statement('release-catalogue-copy')`update subscriptions set stripe_sync_due_at = $2
    where id = $1 and stripe_sync_status = 'PENDING'`;

export const saveProductId = statement('save-stripe-product-id')`update subscriptions set stripe_product_id = $2
    where id = $1 and stripe_product_id is distinct from $2`;

export const savePriceId = statement('save-stripe-price-id')`update subscription_versions set stripe_price_id = $2
    where id = $1 and stripe_price_id is distinct from $2`;

export const dueCopies = statement('due-catalogue-copies')`select id from subscriptions
    where stripe_sync_status = 'PENDING' and stripe_sync_due_at <= $1
    order by stripe_sync_due_at limit $2`;
