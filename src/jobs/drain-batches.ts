/**
 * Calls `work` with the batch size until it finds less than a full batch to do, or until the worker stops. Tells how many
 * things were done. Memory is bounded by the batch, and others get their turn between two batches.
 */
export async function drainBatches(
  work: (limit: number) => Promise<number>,
  batchCount: number,
  signal: AbortSignal,
): Promise<number> {
  let total = 0;
  while (!signal.aborted) {
    const done = await work(batchCount);
    total += done;
    if (done < batchCount) break;
  }
  return total;
}
