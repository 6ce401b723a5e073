import type Stripe from 'stripe';
import { subjectOf } from './event-types.js';

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
