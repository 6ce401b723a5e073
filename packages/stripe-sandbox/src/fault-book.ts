import type { FaultKind, FaultRule, FaultRuleState } from './fault-rules.js';
import { MAX_FAULT_RULES } from './limits.js';

interface Entry {
  readonly rule: FaultRule;
  readonly random: () => number;
  held: number;
}

/** The active fault rules. Each has its own random sequence, so that the same seed repeats the same decisions. */
export class FaultBook {
  private entries: Entry[] = [];
  private added = 0;

  constructor(private seed: number) {}

  add(rule: FaultRule): void {
    if (this.entries.length >= MAX_FAULT_RULES) throw new Error(`The sandbox takes at most ${MAX_FAULT_RULES} fault rules`);
    this.added += 1;
    this.entries.push({ rule, random: randomSequence(this.seed * 7919 + this.added), held: 0 });
  }

  clear(): void {
    this.entries = [];
    this.added = 0;
  }

  /** Removes all rules and restarts from a seed; rules added in the same order then make the same decisions. */
  restart(seed: number): void {
    this.clear();
    this.seed = seed;
  }

  get currentSeed(): number {
    return this.seed;
  }

  list(): FaultRuleState[] {
    return this.entries.map((entry) => ({ ...entry.rule, held: entry.held }));
  }

  /** Returns the first rule of one of these kinds that applies now, and counts it as applied; null if none does. */
  take(kinds: readonly FaultKind[], subject: { operation?: string; eventType?: string } = {}): FaultRule | null {
    for (const entry of this.entries) {
      if (!kinds.includes(entry.rule.kind) || !concerns(entry.rule, subject)) continue;
      if (entry.held >= (entry.rule.count ?? Number.POSITIVE_INFINITY)) continue;
      if (entry.random() >= (entry.rule.probability ?? 1)) continue;
      entry.held += 1;
      return entry.rule;
    }
    return null;
  }

  /** Returns a number from 0 to 1 that scales a fault. */
  magnitude(): number {
    this.draw ??= randomSequence(this.seed);
    return this.draw();
  }
  private draw: (() => number) | undefined;
}

function concerns(rule: FaultRule, subject: { operation?: string; eventType?: string }): boolean {
  if (rule.operation !== undefined && rule.operation !== subject.operation) return false;
  return rule.eventType === undefined || rule.eventType === subject.eventType;
}

/** Mulberry32: small, fast and deterministic for a seed. */
function randomSequence(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
