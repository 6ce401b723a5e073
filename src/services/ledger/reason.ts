import { normalised, textFault } from '../../runtime/text.js';
import { invalidInput } from '../errors.js';

const MAX_REASON_CHARACTERS = 500;

/**
 * An admin's words for the record, trimmed and in NFC.
 *
 * @throws INVALID_INPUT when there are none, or too many
 */
export function checkReason(reason: string): string {
  const words = reason.trim();
  const fault = textFault('A reason', words, { minimum: 1, maximum: MAX_REASON_CHARACTERS });
  if (fault) throw invalidInput(fault, 'reason');
  return normalised(words);
}
