import { rmSync } from 'node:fs';

export default async function globalTeardown() {
  const { directory, stop } = globalThis.testServers;
  await stop();
  rmSync(directory, { recursive: true, force: true });
}
