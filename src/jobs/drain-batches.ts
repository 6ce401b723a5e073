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

/** Like drainBatches, for work that pages through all rows with a cursor: `next` is null after the last. */
export async function drainPages(
  work: (after: string | null, limit: number) => Promise<{ taken: number; next: string | null }>,
  batchCount: number,
  signal: AbortSignal,
): Promise<number> {
  let total = 0;
  let after: string | null = null;
  do {
    const { taken, next } = await work(after, batchCount);
    total += taken;
    after = next;
  } while (after !== null && !signal.aborted);
  return total;
}
