import { invalidInput } from '../errors.js';

/** Applies to the text and to its parsed form; browsers and Stripe accept more. */
const MAX_CHARACTERS = 2_000;
/**
 * Scheme, two slashes and a host. No spaces, control characters, backslashes or unpaired surrogates: the URL parser removes or
 * replaces them (https://url.spec.whatwg.org/#url-parsing), other readers do not. No `@` before the path: a URL with a user
 * looks as if the user were the host. Each `%` must begin a percent-encoded byte.
 */
const FORM = /^https?:\/\/[^/?#@]+(?:[/?#]|$)/i;
const FORBIDDEN = /[\s\\\p{Cc}\p{Cs}]|%(?![\da-f]{2})/iu;
/**
 * Characters that the parser leaves as they are in paths, queries and fragments, but that RFC 3986 does not allow there: Stripe
 * may refuse them.
 */
const NOT_IN_URIS = /["<>[\]^`{|}]/g;
/** Ours, and Stripe's own for the return after a payment: https://docs.stripe.com/payments/checkout/custom-success-page */
const ENCODED_PLACEHOLDER = /%7B(ORDER_ID|CHECKOUT_SESSION_ID)%7D/gi;

/**
 * Where Stripe returns the viewer, in the parsed form, which is stored and sent. Its origin must be an allowed one, so that our
 * checkout cannot be used to send viewers to another site. `{ORDER_ID}` and `{CHECKOUT_SESSION_ID}` stay placeholders.
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
