import type { App } from '../app.js';
import { DEMO_SUBSCRIPTION_IDS, loadDemoCatalogue } from './catalogue.js';

/** Fills an empty catalogue with films and subscriptions on sale, and gives the first demo viewer a balance. */
export async function loadDemo({ config, database, clock, services }: App): Promise<void> {
  const loaded = await loadDemoCatalogue({
    database,
    clock,
    currency: config.currency,
    giveBalance: async ({ adminId, ...input }) => {
      const { errors } = await services.adjustments.adjust({ userId: adminId, role: 'ADMIN' }, input);
      if (errors[0]) throw new Error(`The demo balance could not be added: ${errors[0].message}`);
    },
  });
  if (!loaded) return;
  for (const id of DEMO_SUBSCRIPTION_IDS) services.catalogueSync.synchroniseInBackground(id);
}
