import { invalidInput } from '../billing-error.js';

/**
 * Where Stripe sends the viewer back to: only to an allowed origin, so that nobody is led astray through our checkout.
 * Refuses with INVALID_INPUT.
 */
export function checkReturnUrl(
  returnUrl: string | null | undefined,
  allowedOrigins: readonly string[],
  fallback: string,
): string {
  if (returnUrl === null || returnUrl === undefined) return fallback;
  if (returnUrl.length > 2000) throw invalidInput('The return URL is longer than 2000 characters.', 'returnUrl');
  const url = URL.canParse(returnUrl) ? new URL(returnUrl) : null;
  if (!url || !allowedOrigins.includes(url.origin) || url.username !== '' || url.password !== '') {
    throw invalidInput('The return URL is not on an allowed origin.', 'returnUrl');
  }
  return returnUrl;
}
