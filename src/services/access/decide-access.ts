import type { GrantStatus } from '../../entities/grant.js';

/** The schema's `AccessReason`. */
export type AccessReason = 'GRANTED' | 'NO_GRANT' | 'EXPIRED' | 'REFUNDED' | 'REVOKED' | 'SUSPENDED' | 'UNKNOWN_FILM';

/** The part of a grant that access depends on. */
export interface GrantFacts {
  readonly id: string;
  readonly status: GrantStatus;
  readonly grantedAt: Date;
  /** Exclusive. */
  readonly availableUntil: Date;
}

/** Whether a film may be watched at an instant, and the reason. */
export interface AccessDecision {
  /** Spelled as in the request. */
  readonly filmId: string;
  readonly allowed: boolean;
  readonly reason: AccessReason;
  /** When the grant that allows it ends; null if it is not allowed. */
  readonly availableUntil: Date | null;
  /** The decisive grant: the one that allows the film longest, otherwise the latest one that includes it. */
  readonly grantId: string | null;
}

/**
 * Decides by time and status together: a grant past `availableUntil` gives no access, whether or not the expiry job has run.
 * `grants` are the viewer's grants that include the film, in any order; null if the film does not exist.
 */
export function decideAccess(filmId: string, grants: readonly GrantFacts[] | null, now: Date): AccessDecision {
  if (grants === null) return refused(filmId, 'UNKNOWN_FILM', null);
  const { longest, latest } = decisive(grants, now);
  if (longest) {
    return { filmId, allowed: true, reason: 'GRANTED', availableUntil: longest.availableUntil, grantId: longest.id };
  }
  return latest === null ? refused(filmId, 'NO_GRANT', null) : refused(filmId, whyNot(latest, now), latest.id);
}

/**
 * Returns the one or two decisive grants among grants that include the same films. Viewers who extend a plan have many grants of it;
 * this way they are compared once rather than once per film.
 */
export function decisiveGrants<Grant extends GrantFacts>(grants: readonly Grant[], now: Date): Grant[] {
  const { longest, latest } = decisive(grants, now);
  return [...new Set([longest, latest])].filter((grant) => grant !== null);
}

/** The grant that allows access longest, and the latest one. */
function decisive<Grant extends GrantFacts>(grants: readonly Grant[], now: Date) {
  let longest: Grant | null = null;
  let latest: Grant | null = null;
  for (const grant of grants) {
    if (allows(grant, now) && (longest === null || outlasts(grant, longest))) longest = grant;
    if (latest === null || follows(grant, latest)) latest = grant;
  }
  return { longest, latest };
}

const allows = (grant: GrantFacts, now: Date) => grant.status === 'ACTIVE' && now.getTime() < grant.availableUntil.getTime();

/** Ties are broken by id, so that the same facts always select the same grant. */
function outlasts(grant: GrantFacts, other: GrantFacts): boolean {
  const difference = grant.availableUntil.getTime() - other.availableUntil.getTime();
  return difference === 0 ? follows(grant, other) : difference > 0;
}

function follows(grant: GrantFacts, other: GrantFacts): boolean {
  const difference = grant.grantedAt.getTime() - other.grantedAt.getTime();
  return difference === 0 ? grant.id > other.id : difference > 0;
}

/** A suspended grant past its end counts as expired: reinstating it would give no access. */
function whyNot(grant: GrantFacts, now: Date): AccessReason {
  const over = now.getTime() >= grant.availableUntil.getTime();
  if (grant.status === 'ACTIVE' || (grant.status === 'SUSPENDED' && over)) return 'EXPIRED';
  return grant.status;
}

const refused = (filmId: string, reason: AccessReason, grantId: string | null): AccessDecision => ({
  filmId,
  allowed: false,
  reason,
  availableUntil: null,
  grantId,
});
