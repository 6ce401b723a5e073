/**
 * Calls `work` with the batch size until a batch is not full, or until the worker stops. A batch limits the memory used, and other work
 * can run between two batches. Returns the number of processed items.
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
