/** Choices that follow from a seed: the same seed, the same choices in the same order. */
export class Dice {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** Dice of its own for a part of the run, so that parts do not shift each other's choices. */
  static forPart(seed: number, part: number): Dice {
    return new Dice(Math.imul(seed, 2_654_435_761) + Math.imul(part + 1, 40_503));
  }

  /** From 0 to 1. Mulberry32: https://gist.github.com/tommyettinger/46a874533244883189143505d203312c */
  roll(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `least` to `most`. */
  between(least: number, most: number): number {
    return least + Math.floor(this.roll() * (most - least + 1));
  }

  happens(probability: number): boolean {
    return this.roll() < probability;
  }

  /** One of them; undefined of none. */
  oneOf<Item>(items: readonly Item[]): Item | undefined {
    return items[Math.floor(this.roll() * items.length)];
  }

  /** One of the names, each as often as its weight says. */
  weighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name {
    const entries = Object.entries<number>(weights) as [Name, number][];
    let left = this.roll() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [name, weight] of entries) {
      left -= weight;
      if (left < 0) return name;
    }
    return (entries.at(-1) as [Name, number])[0];
  }

  shuffled<Item>(items: readonly Item[]): Item[] {
    return items
      .map((item): [number, Item] => [this.roll(), item])
      .sort(([one], [other]) => one - other)
      .map(([, item]) => item);
  }
}
