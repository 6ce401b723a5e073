import { isMissingAtStripe } from '../../stores/stripe.js';

/** Null for what Stripe does not know. */
export async function nullIfMissing<Theirs>(asked: Promise<Theirs>): Promise<Theirs | null> {
  try {
    return await asked;
  } catch (error) {
    if (isMissingAtStripe(error)) return null;
    throw error;
  }
}
