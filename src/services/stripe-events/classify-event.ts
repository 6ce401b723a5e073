import type Stripe from 'stripe';
import { subjectOf } from './event-types.js';

/** What this installation is at Stripe. */
export interface StripeIdentity {
  /** Whether our key is a live one: test events must not touch real money, nor the other way round. */
  readonly liveMode: boolean;
  /** Our account; events that name another one (Connect) are not ours. */
  readonly accountId: string | undefined;
  /** What the pinned SDK speaks, such as 2026-10-28.endive. */
  readonly apiVersion: string;
}

export type Reception = { readonly status: 'RECEIVED' } | { readonly status: 'IGNORED'; readonly reason: string };

interface Envelope extends Pick<Stripe.Event, 'livemode' | 'account' | 'api_version'> {
  readonly type: string;
}

/** Is this event to be processed, or kept only as a record, and why? */
export function classifyEvent(event: Envelope, identity: StripeIdentity): Reception {
  if (event.livemode !== identity.liveMode) {
    const [theirs, ours] = event.livemode ? ['live', 'test'] : ['test', 'live'];
    return ignored(`It is of Stripe's ${theirs} mode, and our key is of the ${ours} mode.`);
  }
  if (event.account && event.account !== identity.accountId) return ignored(`It is of another account, ${event.account}.`);
  if (subjectOf(event.type) === null) return ignored(`Events of type ${event.type} have no effect here.`);
  if (!sameShapes(event.api_version, identity.apiVersion)) {
    return ignored(`It is of API version ${event.api_version ?? 'unknown'}, and we read ${identity.apiVersion}.`);
  }
  return { status: 'RECEIVED' };
}

const ignored = (reason: string): Reception => ({ status: 'IGNORED', reason });

/** Releases of one name only add to each other: https://docs.stripe.com/api/versioning */
function sameShapes(theirs: string | null, ours: string): boolean {
  return theirs !== null && releaseName(theirs) === releaseName(ours);
}

const releaseName = (apiVersion: string): string => apiVersion.split('.')[1] ?? apiVersion;
