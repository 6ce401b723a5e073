/** What stands in the place of a secret. */
const CENSOR = '[left out]';

/** A shorter value would take words out of ordinary texts. */
const SHORTEST_KNOWN_SECRET = 8;

/** What looks like a secret, whosever it is: [what, what to write instead]. */
const PATTERNS: readonly [pattern: RegExp, replacement: string][] = [
  // The password of a URL: https://www.rfc-editor.org/rfc/rfc3986#section-3.2.1
  [/(\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s:/@"]{0,256}:)[^\s@"]{1,256}@/gi, `$1${CENSOR}@`],
  // Stripe's keys, signing secrets and client secrets: https://docs.stripe.com/keys
  [/\b(?:sk|rk|whsec)_\w{4,}/g, CENSOR],
  [/_secret_\w{4,}/g, CENSOR],
  [/\b(Bearer\s{1,4})[\w.~+/-]+=*/gi, `$1${CENSOR}`],
  // JSON Web Tokens begin with `{"` in base64: https://www.rfc-editor.org/rfc/rfc7519#section-3
  [/\beyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?/g, CENSOR],
];

export type Redactor = (text: string) => string;

/** Takes secrets out of texts: those that look like one, and those given, wherever they stand. */
export function createRedactor(secrets: readonly string[] = []): Redactor {
  const forms = secrets.flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)]);
  // The longest first: one may begin with another.
  const known = [...new Set(forms)].filter(({ length }) => length >= SHORTEST_KNOWN_SECRET).sort((a, b) => b.length - a.length);
  return (text) => {
    let censored = text;
    for (const secret of known) censored = censored.replaceAll(secret, CENSOR);
    for (const [pattern, replacement] of PATTERNS) censored = censored.replace(pattern, replacement);
    return censored;
  };
}
