import { readConfig } from './config.js';
import { openDatabaseServer } from './database-server.js';
import { type House, openHouse } from './house.js';
import { requireMigrated } from './migrate-at-start.js';

/** Runs a command's work on the same stores as the server, beside a running one or without it. */
export async function withHouse<Result>(work: (house: House) => Promise<Result>): Promise<Result> {
  const config = readConfig();
  const server = await openDatabaseServer(config, { share: true });
  try {
    await requireMigrated(config, server.url);
    const house = await openHouse(config, server.url);
    try {
      return await work(house);
    } finally {
      await house.close();
    }
  } finally {
    await server.stop();
  }
}
