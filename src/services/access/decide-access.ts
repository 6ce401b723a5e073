import type { GrantStatus } from '../../entities/grant.js';

/** The contract's `AccessReason`. */
export type AccessReason = 'GRANTED' | 'NO_GRANT' | 'EXPIRED' | 'REFUNDED' | 'REVOKED' | 'SUSPENDED' | 'UNKNOWN_FILM';

/** What of a grant decides. */
export interface GrantFacts {
  readonly id: string;
  readonly status: GrantStatus;
  readonly grantedAt: Date;
  /** Not included. */
  readonly availableUntil: Date;
}

/** May the film be watched at an instant, and why, or why not? */
export interface AccessDecision {
  /** As it was asked about. */
  readonly filmId: string;
  readonly allowed: boolean;
  readonly reason: AccessReason;
  /** When the grant that allows it ends; null when it is not allowed. */
  readonly availableUntil: Date | null;
  /** The grant that decided: the one that allows it longest, or else the one that last included it. */
  readonly grantId: string | null;
}

/**
 * Decides by time and status together: a grant past `availableUntil` gives nothing, whether or not the expiry job has run.
 * `grants` are the viewer's grants that include the film, in any order; null when there is no such film.
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
 * Of grants that include the same films, the one or two that decide. Viewers who extend a plan have many grants of it: these are
 * looked at once, and not for each film.
 */
export function decisiveGrants<Grant extends GrantFacts>(grants: readonly Grant[], now: Date): Grant[] {
  const { longest, latest } = decisive(grants, now);
  return [...new Set([longest, latest])].filter((grant) => grant !== null);
}

/** The grant that allows it longest, and the one that was granted last. */
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

/** Equal times are decided by the id, so that the same facts always give the same grant. */
function outlasts(grant: GrantFacts, other: GrantFacts): boolean {
  const difference = grant.availableUntil.getTime() - other.availableUntil.getTime();
  return difference === 0 ? follows(grant, other) : difference > 0;
}

function follows(grant: GrantFacts, other: GrantFacts): boolean {
  const difference = grant.grantedAt.getTime() - other.grantedAt.getTime();
  return difference === 0 ? grant.id > other.id : difference > 0;
}

/** A frozen grant whose time is over would give nothing when thawed: it is over. */
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
