import type { GrantStatus } from '../../entities/grant.js';

/** A grant in one of these never gives access again and takes no further change. */
export const endedStatuses: ReadonlySet<GrantStatus> = new Set(['REFUNDED', 'REVOKED']);
