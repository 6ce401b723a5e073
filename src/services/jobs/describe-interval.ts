const UNITS: readonly [name: string, ms: number][] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
];

/** An interval for people, in the largest unit that is exact: 15 seconds, 1 hour, 1500 milliseconds. */
export function describeInterval(intervalMs: number): string {
  const [name, ms] = UNITS.find(([, unitMs]) => intervalMs % unitMs === 0) ?? ['millisecond', 1];
  const count = intervalMs / ms;
  return `${count} ${name}${count === 1 ? '' : 's'}`;
}
