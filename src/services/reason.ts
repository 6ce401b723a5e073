import { invalidInput } from './billing-error.js';

const LONGEST_REASON = 500;

/** An admin's words for the record, trimmed. Refuses with INVALID_INPUT when there are none, or too many. */
export function checkReason(reason: string): string {
  const words = reason.trim();
  if (words.length === 0 || words.length > LONGEST_REASON) {
    throw invalidInput(`Give a reason of 1 to ${LONGEST_REASON} characters.`, 'reason');
  }
  return words;
}
