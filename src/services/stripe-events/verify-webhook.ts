import type Stripe from 'stripe';
import { isSignedByStripe } from '../../stores/stripe.js';
import { parseStripeJson } from '../../stores/stripe-amounts.js';

/** Why a delivery was refused; nothing of it is stored. */
export type WebhookRefusal = 'EMPTY' | 'NOT_SIGNED' | 'STALE' | 'NOT_AN_EVENT';

export interface WebhookVerification {
  /** Any of them may have signed the delivery: there are several while a secret is being rotated. */
  readonly secrets: readonly string[];
  readonly toleranceSeconds: number;
  readonly now: Date;
}

/**
 * Returns the event if the signature over the raw body is valid and fresh, otherwise why the delivery is refused. The check is the
 * Stripe SDK's own: https://docs.stripe.com/webhooks/signature
 */
export function verifyWebhook(rawBody: Buffer, signature: string, settings: WebhookVerification): Stripe.Event | WebhookRefusal {
  if (rawBody.length === 0) return 'EMPTY';
  let refusal: WebhookRefusal = 'NOT_SIGNED';
  for (const secret of settings.secrets) {
    const verdict = checkSignature(rawBody, signature, secret, settings);
    if (verdict === 'SIGNED') return parseEvent(rawBody) ?? 'NOT_AN_EVENT';
    if (verdict === 'STALE') refusal = 'STALE';
  }
  return refusal;
}

function checkSignature(
  rawBody: Buffer,
  signature: string,
  secret: string,
  { toleranceSeconds, now }: WebhookVerification,
): 'SIGNED' | 'STALE' | 'NOT_SIGNED' {
  const verify = (tolerance: number) => isSignedByStripe(rawBody, signature, secret, { toleranceSeconds: tolerance, now });
  if (verify(toleranceSeconds)) return 'SIGNED';
  // With tolerance 0 the SDK ignores the age: a signature that is valid now was only too old.
  return verify(0) ? 'STALE' : 'NOT_SIGNED';
}

function parseEvent(rawBody: Buffer): Stripe.Event | null {
  let event: unknown;
  try {
    // Converted like the client's responses, so that stored events use the same units however they arrived.
    event = parseStripeJson(rawBody.toString('utf8'));
  } catch {
    return null;
  }
  return isEvent(event) ? event : null;
}

/** A snapshot event: the newer thin events (`v2.core.event`) carry no object. */
function isEvent(value: unknown): value is Stripe.Event {
  const event = value as Partial<Stripe.Event> | null;
  return (
    typeof event === 'object' &&
    event?.object === 'event' &&
    isShortText(event.id) &&
    isShortText(event.type) &&
    typeof event.data?.object === 'object' &&
    event.data.object !== null
  );
}

const isShortText = (value: unknown): value is string => typeof value === 'string' && /^[\w.:-]{1,255}$/.test(value);
