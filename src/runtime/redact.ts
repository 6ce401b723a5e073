/** Replaces a secret. */
const REDACTED = '[redacted]';

/** A shorter value could match ordinary text. */
const MIN_KNOWN_SECRET_CHARACTERS = 8;

/** Patterns of secrets in general: [pattern, replacement]. */
const PATTERNS: readonly [pattern: RegExp, replacement: string][] = [
  // The password of a URL: https://www.rfc-editor.org/rfc/rfc3986#section-3.2.1
  [/(\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s:/@"]{0,256}:)[^\s@"]{1,256}@/gi, `$1${REDACTED}@`],
  // Stripe's keys, signing secrets and client secrets: https://docs.stripe.com/keys
  [/\b(?:sk|rk|whsec)_\w{4,}/g, REDACTED],
  [/_secret_\w{4,}/g, REDACTED],
  [/\b(Bearer\s{1,4})[\w.~+/-]+=*/gi, `$1${REDACTED}`],
  // JSON Web Tokens start with `{"` in base64: https://www.rfc-editor.org/rfc/rfc7519#section-3
  [/\beyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?/g, REDACTED],
];

export type Redactor = (text: string) => string;

/** Removes secrets from texts: whatever looks like one, and the given ones. */
export function createRedactor(secrets: readonly string[] = []): Redactor {
  const forms = secrets.flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)]);
  // Longest first: one may start with another.
  const known = [...new Set(forms)]
    .filter(({ length }) => length >= MIN_KNOWN_SECRET_CHARACTERS)
    .sort((a, b) => b.length - a.length);
  return (text) => {
    let redacted = text;
    for (const secret of known) redacted = redacted.replaceAll(secret, REDACTED);
    for (const [pattern, replacement] of PATTERNS) redacted = redacted.replace(pattern, replacement);
    return redacted;
  };
}
