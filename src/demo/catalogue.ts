import type { EntityManager } from '@mikro-orm/postgresql';
import type { Clock } from '../runtime/clock.js';
import type { CatalogueSync } from '../services/catalogue/catalogue-sync.js';
import { addFilms, addSubscription, markChanged } from '../services/catalogue/change-catalogue.js';
import type { Adjustments } from '../services/ledger/adjustments.js';
import type { Database, Queryable, Statement } from '../stores/database.js';
import films from './films.json' with { type: 'json' };
import { DEMO_ADMIN_ID, DEMO_VIEWERS } from './people.js';

/** What loading the demo needs of the app. */
export interface DemoParts {
  readonly config: { readonly currency: string };
  readonly database: Database;
  readonly clock: Clock;
  readonly services: {
    readonly adjustments: Pick<Adjustments, 'adjust'>;
    readonly catalogueSync: Pick<CatalogueSync, 'synchroniseInBackground'>;
  };
}

interface DemoSubscription {
  readonly title: string;
  readonly description: string;
  /** Its films are those of `films.json` on this shelf; undefined: every film. */
  readonly shelf?: string;
  /** In minor units. */
  readonly pricePerDay: number;
  readonly durationDays: number;
}

const SUBSCRIPTIONS: readonly DemoSubscription[] = [
  { title: 'Everything', description: 'The whole catalogue for a month.', pricePerDay: 45, durationDays: 30 },
  { title: 'Silent Masters', description: 'The years before sound.', shelf: 'silent', pricePerDay: 25, durationDays: 30 },
  { title: 'Noir Nights', description: 'Two weeks of rain and bad luck.', shelf: 'noir', pricePerDay: 40, durationDays: 14 },
  { title: 'Fright Week', description: 'A week with the lights on.', shelf: 'fright', pricePerDay: 50, durationDays: 7 },
  { title: 'Comedy Weekend', description: 'Three days of falling well.', shelf: 'comedy', pricePerDay: 90, durationDays: 3 },
];

const ADA_STARTS_WITH = 2_500;
/** An arbitrary, unique lock: two processes that start at once on an empty database load the catalogue only once. */
const LOADING_LOCK = 7_203_118;

const lockLoading: Statement = { name: 'lock-demo-loading', text: 'select pg_advisory_xact_lock($1)' };
const anythingThere: Statement = {
  name: 'any-catalogue',
  text: 'select 1 where exists (select from films) or exists (select from subscriptions)',
};

const demoFilmId = (index: number) => `01939c1e-0000-7000-8000-${String(index + 1).padStart(12, '0')}`;
const demoSubscriptionId = (index: number) => `01939c1e-0000-7000-a000-${String(index + 1).padStart(12, '0')}`;

/**
 * If the catalogue is empty, loads about 40 films and 5 subscriptions on sale, and gives the first demo viewer a balance. Returns whether
 * it did.
 */
export async function loadDemo({ config: { currency }, database, clock, services }: DemoParts): Promise<boolean> {
  if (await isCatalogueThere(database)) return false;
  // Before the catalogue exists: after a crash in between, or by another process, it is requested again, and its key ensures that it is
  // made once. Outside the transaction: it needs its own connection, and the pool may have only one.
  const { errors } = await services.adjustments.adjust(
    { userId: DEMO_ADMIN_ID, role: 'ADMIN' },
    {
      userId: DEMO_VIEWERS[0].id,
      amount: ADA_STARTS_WITH,
      currency,
      reason: 'A balance for trying out the demo',
      idempotencyKey: 'demo-balance-of-ada',
    },
  );
  if (errors[0]) throw new Error(`The demo balance could not be added: ${errors[0].message}`);
  const isLoaded = await database.changeEntities(async (em, tx) => {
    await tx.query(lockLoading, [LOADING_LOCK]);
    if (await isCatalogueThere(tx)) return false;
    await writeCatalogue(em, currency, clock.now());
    return true;
  });
  if (isLoaded)
    for (const index of SUBSCRIPTIONS.keys()) services.catalogueSync.synchroniseInBackground(demoSubscriptionId(index));
  return isLoaded;
}

const isCatalogueThere = async (database: Queryable) => (await database.query(anythingThere)).length > 0;

async function writeCatalogue(em: EntityManager, currency: string, now: Date): Promise<void> {
  const added = films.map(({ title, country, year, director, story }, index) => ({
    id: demoFilmId(index),
    title,
    description: `${country} ${year}, by ${director}. ${story}`,
  }));
  await addFilms(em, added, now);
  for (const [index, { shelf, ...words }] of SUBSCRIPTIONS.entries()) {
    const id = demoSubscriptionId(index);
    const filmIds = films.flatMap((film, place) => (!shelf || film.shelves.includes(shelf) ? [demoFilmId(place)] : []));
    const subscription = await addSubscription(em, { ...words, id, filmIds, currency }, now);
    subscription.status = 'ACTIVE';
    markChanged(subscription, now);
  }
}
