import { Load } from './load/load.js';
import { ServerProcess } from './server-process.js';

/** Starts a server for each entry, and the load; stops them when `work` has ended. */
export async function withServers(entries, directory, work) {
  const running = [];
  const load = new Load();
  try {
    for (const entry of entries) running.push({ ...entry, server: await ServerProcess.start(entry, directory) });
    return await work(running, load);
  } finally {
    load.stop();
    await Promise.all(running.map(({ server }) => server.stop()));
  }
}
