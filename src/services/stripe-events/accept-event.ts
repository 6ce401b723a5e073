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

/** The kind of object that a Stripe event is about. */
export type EventSubject = 'CHECKOUT_SESSION' | 'REFUND' | 'CHARGE_REFUNDED' | 'DISPUTE';

/** https://docs.stripe.com/api/events/types. Every other type is stored and ignored. */
const SUBJECTS: ReadonlyMap<string, EventSubject> = new Map([
  ['checkout.session.completed', 'CHECKOUT_SESSION'],
  ['checkout.session.async_payment_succeeded', 'CHECKOUT_SESSION'],
  ['checkout.session.async_payment_failed', 'CHECKOUT_SESSION'],
  ['checkout.session.expired', 'CHECKOUT_SESSION'],
  ['refund.created', 'REFUND'],
  ['refund.updated', 'REFUND'],
  ['refund.failed', 'REFUND'],
  ['charge.refund.updated', 'REFUND'],
  ['charge.refunded', 'CHARGE_REFUNDED'],
  ['charge.dispute.created', 'DISPUTE'],
  ['charge.dispute.updated', 'DISPUTE'],
  ['charge.dispute.closed', 'DISPUTE'],
  ['charge.dispute.funds_withdrawn', 'DISPUTE'],
  ['charge.dispute.funds_reinstated', 'DISPUTE'],
]);

/** The types that have an effect; a webhook endpoint must be subscribed to them. One list call accepts at most 20. */
export const EVENT_TYPES: readonly string[] = [...SUBJECTS.keys()];

/** Returns the subject of an event type; null if the type has no effect here. */
export const subjectOf = (type: string): EventSubject | null => SUBJECTS.get(type) ?? null;

/** This installation's identity at Stripe. */
export interface StripeIdentity {
  /** Whether our key is a live key: test events must not affect real money, and vice versa. */
  readonly liveMode: boolean;
  /** Our account; events of another account (Connect) are not ours. */
  readonly accountId: string | undefined;
  /** The API version of the pinned SDK, such as 2026-10-28.endive. */
  readonly apiVersion: string;
}

export type EventClass = { readonly status: 'RECEIVED' } | { readonly status: 'IGNORED'; readonly reason: string };

interface Envelope extends Pick<Stripe.Event, 'livemode' | 'account' | 'api_version'> {
  readonly type: string;
}

/** Decides whether an event is processed or only kept as a record, and why. */
export function classifyEvent(event: Envelope, identity: StripeIdentity): EventClass {
  if (event.livemode !== identity.liveMode) {
    const [theirs, ours] = event.livemode ? ['live', 'test'] : ['test', 'live'];
    return ignored(`It comes from Stripe's ${theirs} mode, and our key is a ${ours} mode key.`);
  }
  if (event.account && event.account !== identity.accountId) return ignored(`It belongs to another account, ${event.account}.`);
  if (subjectOf(event.type) === null) return ignored(`Events of type ${event.type} have no effect here.`);
  if (!sameShapes(event.api_version, identity.apiVersion)) {
    return ignored(`Its API version is ${event.api_version ?? 'unknown'}; this version of the app reads ${identity.apiVersion}.`);
  }
  return { status: 'RECEIVED' };
}

const ignored = (reason: string): EventClass => ({ status: 'IGNORED', reason });

/** Versions of the same named release only add fields, and never break: https://docs.stripe.com/api/versioning */
function sameShapes(theirs: string | null, ours: string): boolean {
  return theirs !== null && releaseName(theirs) === releaseName(ours);
}

const releaseName = (apiVersion: string): string => apiVersion.split('.')[1] ?? apiVersion;
