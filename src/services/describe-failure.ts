const LARGEST_CHARACTERS = 500;

/** Keys and signing secrets of Stripe, client secrets, passwords in URLs, bearer tokens, and what may be a card number. */
const SECRETS: readonly [RegExp, string][] = [
  [/\b(sk|rk|pk)_(test|live)_\w+/g, '$1_$2_…'],
  [/\bwhsec_\w+/g, 'whsec_…'],
  [/_secret_\w+/g, '_secret_…'],
  [/(\/\/[^\s:/@]*):[^\s@]*@/g, '$1:…@'],
  [/\bBearer\s+\S+/gi, 'Bearer …'],
  [/\b\d(?:[ -]?\d){12,18}\b/g, '…'],
];

/** Why something failed, in one short line that may be kept and shown to operators: no secret, no card data, no stack. */
export function describeFailure(error: unknown): string {
  const name = error instanceof Error && error.name !== 'Error' ? `${error.name}: ` : '';
  const words = error instanceof Error ? error.message || codeOf(error) : String(error);
  const line = SECRETS.reduce((text, [secret, replacement]) => text.replace(secret, replacement), `${name}${words}`);
  return line.replace(/\s+/g, ' ').replaceAll('\0', '').trim().slice(0, LARGEST_CHARACTERS);
}

function codeOf(error: Error): string {
  return 'code' in error ? String(error.code) : 'no message';
}
