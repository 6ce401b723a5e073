import { normalised, textFault } from '../../runtime/text.js';
import { invalidInput } from '../errors.js';

const MAX_REASON_CHARACTERS = 500;

/**
 * An admin's reason, trimmed and in NFC.
 *
 * @throws INVALID_INPUT when it is empty or too long
 */
export function checkReason(reason: string): string {
  const words = reason.trim();
  const fault = textFault('A reason', words, { minimum: 1, maximum: MAX_REASON_CHARACTERS });
  if (fault) throw invalidInput(fault, 'reason');
  return normalised(words);
}
