import { describeFailure } from '../../runtime/describe-failure.js';
import type { Difference } from './difference.js';

/** A difference with what became of it. */
export interface Finding extends Difference {
  readonly repaired: boolean;
}

export interface Examination<Theirs> {
  /** As Stripe has it now. */
  readonly refetch: () => Promise<Theirs>;
  /** Compares with what stands here now. */
  readonly compare: (theirs: Theirs) => Promise<Difference | null>;
  readonly repair: (theirs: Theirs) => Promise<unknown>;
}

/**
 * Follows up a difference that was seen: looks again at both sides, because things go on while we compare; repairs what
 * the rules allow; looks whether that helped. Null when it was gone at the second look.
 */
export async function recheck<Theirs>({ refetch, compare, repair }: Examination<Theirs>): Promise<Finding | null> {
  const theirs = await refetch();
  const difference = await compare(theirs);
  if (!difference) return null;
  if (!difference.repairable) return { ...difference, repaired: false };
  try {
    await repair(theirs);
  } catch (error) {
    return { ...difference, detail: `${difference.detail} Repair failed: ${describeFailure(error)}`, repaired: false };
  }
  return { ...difference, repaired: (await compare(theirs)) === null };
}
