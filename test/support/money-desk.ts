import type { SubscriptionStatus } from '../../src/entities/subscription.js';
import { newId } from '../../src/services/ids.js';
import type { Moved } from '../../src/services/ledger/unit.js';
import type { Offer } from '../../src/services/purchases/offer.js';
import { LocalHints } from '../../src/stores/hints.js';
import { type TestServiceParts, testServices } from './test-services.js';

export type MoneyDesk = ReturnType<typeof openMoneyDesk>;

/** The product's services, what they notified, and plans that the test puts on sale. */
export function openMoneyDesk(parts: TestServiceParts) {
  const { database, clock } = parts;
  const announced: { userId: string; sequence: number }[] = [];
  const moved: Moved[] = [];
  const hints = new (class extends LocalHints {
    override announce(userId: string, sequence: number): void {
      announced.push({ userId, sequence });
      super.announce(userId, sequence);
    }
  })();
  const watch = { moneyMoved: (movement: Moved) => void moved.push(movement), liveLag: () => {} };
  const services = testServices({
    hints,
    watch,
    random: () => 0.5,
    ...parts,
    environment: { ...SETTINGS, ...parts.environment },
  });

  /** Puts a subscription with one film on sale. Amounts in cents. */
  async function putOnSale(pricePerDay: number, durationDays: number): Promise<Offer> {
    const offer = {
      subscriptionId: newId(),
      versionId: newId(),
      status: 'ACTIVE',
      title: 'Plan',
      price: pricePerDay * durationDays,
      pricePerDay,
      durationDays,
      currency: 'USD',
    } as const;
    const values = [newId(), offer.subscriptionId, offer.versionId, pricePerDay, durationDays, offer.price, clock.now()];
    await database.pool.query({ name: 'test-put-on-sale', text: PUT_ON_SALE, values });
    return offer;
  }

  /** Changes the status as an admin on this node does. */
  async function setStatus({ subscriptionId }: Offer, status: SubscriptionStatus): Promise<void> {
    await database.pool.query('update subscriptions set status = $2 where id = $1', [subscriptionId, status]);
    services.catalogue.forgetOffer(subscriptionId);
  }

  /** The next version of a plan, as an admin on another node writes it: what this node has cached stays cached. */
  async function repriceElsewhere(offer: Offer, pricePerDay: number): Promise<Offer> {
    const versionId = newId();
    await database.pool.query({ name: 'test-reprice', text: REPRICE, values: [versionId, pricePerDay, offer.versionId] });
    return { ...offer, versionId, pricePerDay, price: pricePerDay * offer.durationDays };
  }

  /** As `repriceElsewhere`, on this node. */
  async function reprice(offer: Offer, pricePerDay: number): Promise<Offer> {
    const changed = await repriceElsewhere(offer, pricePerDay);
    services.catalogue.forgetOffer(offer.subscriptionId);
    return changed;
  }

  return { ...services, announced, moved, putOnSale, setStatus, reprice, repriceElsewhere };
}

/** Wider than the defaults, where tests count in small amounts. */
const SETTINGS = { CURRENCY: 'USD', TOP_UP_MINIMUM_MINOR_UNITS: '100', TOP_UP_MAXIMUM_MINOR_UNITS: '1000000' };

const PUT_ON_SALE = `
  with film as (insert into films (id, title, created_at, updated_at) values ($1, 'A film', $7, $7) returning id),
    version as (
      insert into subscription_versions (id, subscription_id, version, price_per_day, duration_days, price, currency, film_count, created_at)
      values ($3, $2, 1, $4, $5, $6, 'USD', 1, $7) returning id),
    contents as (insert into subscription_version_films (version_id, film_id) select version.id, film.id from version, film)
  insert into subscriptions (id, title, description, status, current_version_id, created_at, updated_at)
  values ($2, 'Plan', '', 'ACTIVE', $3, $7, $7)`;

const REPRICE = `
  with version as (
    insert into subscription_versions (id, subscription_id, version, price_per_day, duration_days, price, currency, film_count, created_at)
    select $1, subscription_id, version + 1, $2::bigint, duration_days, $2::bigint * duration_days, currency, film_count, created_at
    from subscription_versions where id = $3 returning id, subscription_id),
    contents as (insert into subscription_version_films (version_id, film_id)
      select $1, film_id from subscription_version_films where version_id = $3)
  update subscriptions set current_version_id = version.id from version where subscriptions.id = version.subscription_id`;
