import net from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** A port that nothing listens on at this moment. */
export const freePort = () =>
  new Promise((resolve, reject) => {
    const server = net.createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

/** Polls until the condition gives something, or throws with the words. */
export async function until(condition, words, timeoutMs = 20_000) {
  for (const deadline = Date.now() + timeoutMs; ; await pause(50)) {
    const found = await condition();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`never happened: ${words}`);
  }
}
