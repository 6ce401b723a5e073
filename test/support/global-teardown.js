export default async function globalTeardown() {
  // What is waited for keeps no handle of this process open: without one it would end here, with exit code 0 and no report.
  const alive = setInterval(() => undefined, 1_000);
  try {
    await globalThis.testServers.stop();
  } finally {
    clearInterval(alive);
  }
}
