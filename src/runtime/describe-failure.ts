import { createRedactor } from './redact.js';

const MAX_CHARACTERS = 500;

/** Not among the censor's patterns: in log lines an instant in milliseconds looks the same. */
const MAY_BE_A_CARD_NUMBER = /\b\d(?:[ -]?\d){12,18}\b/g;

const censor = createRedactor();

/** Why something failed, in one short line that may be kept and shown to operators: no secret, no card data, no stack. */
export function describeFailure(error: unknown): string {
  const name = error instanceof Error && error.name !== 'Error' ? `${error.name}: ` : '';
  const words = error instanceof Error ? error.message || codeOf(error) : String(error);
  const line = censor(`${name}${words}`).replace(MAY_BE_A_CARD_NUMBER, '[left out]');
  return line.replace(/\s+/g, ' ').replaceAll('\0', '').trim().slice(0, MAX_CHARACTERS);
}

function codeOf(error: Error): string {
  return 'code' in error ? String(error.code) : 'no message';
}
