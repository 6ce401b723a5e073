import { createHmac } from 'node:crypto';

/** The `Stripe-Signature` header: https://docs.stripe.com/webhooks#verify-manually. One v1 per secret, as during a rotation. */
export function signWebhook(text: string, secrets: readonly string[], atSeconds: number): string {
  const signatures = secrets.map((secret) => `v1=${createHmac('sha256', secret).update(`${atSeconds}.${text}`).digest('hex')}`);
  return [`t=${atSeconds}`, ...signatures].join(',');
}
