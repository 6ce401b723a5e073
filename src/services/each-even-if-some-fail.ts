/** Does the work for each item in turn: one that fails does not keep the others from theirs. Ends in the first error, after all. */
export async function eachEvenIfSomeFail<Item>(
  items: readonly Item[] | AsyncIterable<Item>,
  work: (item: Item) => Promise<unknown>,
): Promise<void> {
  let firstError: unknown = null;
  for await (const item of items) {
    try {
      await work(item);
    } catch (error) {
      firstError ??= error;
    }
  }
  if (firstError !== null) throw firstError;
}
