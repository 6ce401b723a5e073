import { invalidInput } from '../errors.js';

/** Of the text and of its parsed form; browsers and Stripe accept more. */
const MAX_CHARACTERS = 2_000;
/**
 * Scheme, two slashes and a host. No spaces, control characters, backslashes or halves of surrogate pairs: the URL parser removes or
 * replaces them (https://url.spec.whatwg.org/#url-parsing), other readers do not. No `@` before the path: a URL with a user reads as
 * if the user were the host. Each `%` begins a character's code.
 */
const FORM = /^https?:\/\/[^/?#@]+(?:[/?#]|$)/i;
const FORBIDDEN = /[\s\\\p{Cc}\p{Cs}]|%(?![\da-f]{2})/iu;
/** What the parser leaves as it is in paths, queries and fragments, and RFC 3986 does not allow there: Stripe may refuse it. */
const NOT_IN_URIS = /["<>[\]^`{|}]/g;
/** Ours, and Stripe's own for the return after a payment: https://docs.stripe.com/payments/checkout/custom-success-page */
const ENCODED_PLACEHOLDER = /%7B(ORDER_ID|CHECKOUT_SESSION_ID)%7D/gi;

/**
 * Where Stripe sends the viewer back to, as it was parsed: this form is stored and sent. Its origin must be an allowed one, so that
 * nobody is led astray through our checkout. `{ORDER_ID}` and `{CHECKOUT_SESSION_ID}` stay placeholders.
 *
 * @throws INVALID_INPUT
 */
export function checkReturnUrl(
  returnUrl: string | null | undefined,
  allowedOrigins: readonly string[],
  fallback: string,
): string {
  if (returnUrl === null || returnUrl === undefined) return fallback;
  if (returnUrl.length > MAX_CHARACTERS) throw tooLong();
  const url = FORM.test(returnUrl) && !FORBIDDEN.test(returnUrl) && URL.canParse(returnUrl) ? new URL(returnUrl) : null;
  if (!url) throw invalidInput('The return URL is not a valid http or https URL.', 'returnUrl');
  if (!allowedOrigins.includes(url.origin)) throw invalidInput('The return URL is not on an allowed origin.', 'returnUrl');
  const rest = `${url.pathname}${url.search}${url.hash}`.replace(
    NOT_IN_URIS,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  const parsed = `${url.origin}${rest.replace(ENCODED_PLACEHOLDER, (_code, name: string) => `{${name.toUpperCase()}}`)}`;
  if (parsed.length > MAX_CHARACTERS) throw tooLong();
  return parsed;
}

const tooLong = () => invalidInput(`The return URL is longer than ${MAX_CHARACTERS} characters.`, 'returnUrl');
