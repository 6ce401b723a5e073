/** What the work gives, or what `late` gives when it takes longer than `limitMs`. The work goes on then. Fails as the work does. */
export async function withinTime<Result, Late>(
  limitMs: number,
  work: Promise<Result> | Result,
  late: () => Late,
): Promise<Result | Late> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<Late>((resolve) => {
    timer = setTimeout(() => resolve(late()), limitMs);
  });
  try {
    return await Promise.race([work, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
