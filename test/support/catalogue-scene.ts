import { randomUUID } from 'node:crypto';
import { Environment } from '../../src/config/env.js';
import { readLimits } from '../../src/config/limits.js';
import type { Clock } from '../../src/runtime/clock.js';
import type { Catalogue } from '../../src/services/catalogue/catalogue.js';
import type { CatalogueAdmin } from '../../src/services/catalogue/catalogue-admin.js';
import type { SubscriptionAtVersion } from '../../src/services/catalogue/subscription-rows.js';
import type { Services } from '../../src/services/services.js';
import type { Database } from '../../src/stores/database.js';
import { ADMIN } from './shop.js';
import { testServices } from './test-services.js';

export const admin = { userId: '01939c1e-0000-7000-9000-000000000100', role: 'ADMIN' } as const;
export const defaultLimits = readLimits(new Environment({}));

/** The catalogue with short ways to fill it. */
export class CatalogueScene {
  readonly catalogue: Catalogue;
  readonly admin: CatalogueAdmin;
  /** Subscriptions whose copy at Stripe was asked for, and which were not copied. */
  readonly copied: string[] = [];

  constructor(
    readonly database: Database,
    readonly clock: Clock,
    services?: Services,
  ) {
    const { catalogue, catalogueAdmin, catalogueSync } = services ?? testServices({ database, clock });
    this.catalogue = catalogue;
    this.admin = catalogueAdmin;
    if (!services) catalogueSync.synchroniseInBackground = (id) => void this.copied.push(id);
  }

  /** Creates films with these titles; returns their ids. */
  async films(...titles: string[]): Promise<string[]> {
    const { films, errors } = await this.admin.createFilms(
      ADMIN,
      titles.map((title) => ({ title })),
    );
    if (errors.length > 0) throw new Error(JSON.stringify(errors));
    return films.map((film) => film.id);
  }

  async draft(filmIds: readonly string[], terms: { pricePerDay?: number; durationDays?: number; title?: string } = {}) {
    const { pricePerDay = 100, durationDays = 30, title = `Plan ${randomUUID()}` } = terms;
    const input = { title, description: 'A plan', filmIds, pricePerDay, durationDays };
    return made(await this.admin.createSubscription(ADMIN, input));
  }

  async onSale(filmIds: readonly string[], terms: { pricePerDay?: number; durationDays?: number; title?: string } = {}) {
    const { id } = await this.draft(filmIds, terms);
    return made(await this.admin.activateSubscription(ADMIN, id));
  }

  async update(input: Parameters<CatalogueAdmin['updateSubscription']>[1]) {
    return made(await this.admin.updateSubscription(ADMIN, input));
  }
}

function made(payload: { subscription?: SubscriptionAtVersion; errors: readonly unknown[] }): SubscriptionAtVersion {
  if (!payload.subscription) throw new Error(JSON.stringify(payload.errors));
  return payload.subscription;
}
