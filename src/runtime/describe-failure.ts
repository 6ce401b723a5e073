import { createRedactor } from './redact.js';

const MAX_CHARACTERS = 500;

/** Not one of the redactor's patterns: in log lines, an instant in milliseconds looks the same. */
const MAY_BE_A_CARD_NUMBER = /\b\d(?:[ -]?\d){12,18}\b/g;

const redact = createRedactor();

/** Describes an error in one short line that may be stored and shown to operators: no secrets, no card data, no stack. */
export function describeFailure(error: unknown): string {
  const name = error instanceof Error && error.name !== 'Error' ? `${error.name}: ` : '';
  const message = error instanceof Error ? error.message || codeOf(error) : String(error);
  const line = redact(`${name}${message}`).replace(MAY_BE_A_CARD_NUMBER, '[redacted]');
  return line.replace(/\s+/g, ' ').replaceAll('\0', '').trim().slice(0, MAX_CHARACTERS);
}

function codeOf(error: Error): string {
  return 'code' in error ? String(error.code) : 'no message';
}
