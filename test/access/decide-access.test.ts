import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { GrantStatus } from '../../src/entities/grant.js';
import { type AccessReason, decideAccess, decisiveGrants, type GrantFacts } from '../../src/services/access/decide-access.js';

const now = new Date('2026-03-01T12:00:00.000Z');
const day = 24 * 60 * 60 * 1000;
const at = (days: number, ms = 0) => new Date(now.getTime() + days * day + ms);

function grant(id: string, status: GrantStatus, from: number, until: number, untilMs = 0): GrantFacts {
  return { id, status, grantedAt: at(from), availableUntil: at(until, untilMs) };
}

describe('access to a film', () => {
  test.each<[string, AccessReason, string | null, GrantFacts[] | null]>([
    ['an id of no film', 'UNKNOWN_FILM', null, null],
    ['no grant', 'NO_GRANT', null, []],
    ['an active grant', 'GRANTED', 'a', [grant('a', 'ACTIVE', -1, 1)]],
    ['an active grant in its last millisecond', 'GRANTED', 'a', [grant('a', 'ACTIVE', -1, 0, 1)]],
    ['an active grant at its very end', 'EXPIRED', 'a', [grant('a', 'ACTIVE', -1, 0)]],
    ['an active grant that the expiry job has not seen yet', 'EXPIRED', 'a', [grant('a', 'ACTIVE', -9, -1)]],
    ['an expired grant', 'EXPIRED', 'a', [grant('a', 'EXPIRED', -9, -1)]],
    ['a refunded grant with time left', 'REFUNDED', 'a', [grant('a', 'REFUNDED', -1, 9)]],
    ['a revoked grant with time left', 'REVOKED', 'a', [grant('a', 'REVOKED', -1, 9)]],
    ['a refunded grant whose time is over', 'REFUNDED', 'a', [grant('a', 'REFUNDED', -9, -1)]],
    ['a revoked grant whose time is over', 'REVOKED', 'a', [grant('a', 'REVOKED', -9, -1)]],
    ['a frozen grant with time left', 'SUSPENDED', 'a', [grant('a', 'SUSPENDED', -1, 9)]],
    ['a frozen grant whose time is over', 'EXPIRED', 'a', [grant('a', 'SUSPENDED', -9, 0)]],
    ['two active grants, by the longer,', 'GRANTED', 'a', [grant('a', 'ACTIVE', -9, 5), grant('b', 'ACTIVE', -1, 2)]],
    ['two equally long, by the newer,', 'GRANTED', 'a', [grant('b', 'ACTIVE', -9, 5), grant('a', 'ACTIVE', -1, 5)]],
    ['two that are equal in all, by id,', 'GRANTED', 'b', [grant('a', 'ACTIVE', -1, 5), grant('b', 'ACTIVE', -1, 5)]],
    ['an active one and a newer refunded one', 'GRANTED', 'a', [grant('a', 'ACTIVE', -9, 1), grant('b', 'REFUNDED', -1, 9)]],
    ['an expired one and a newer refunded one', 'REFUNDED', 'b', [grant('a', 'EXPIRED', -9, -2), grant('b', 'REFUNDED', -5, 9)]],
    ['a refunded one and a newer expired one', 'EXPIRED', 'b', [grant('a', 'REFUNDED', -9, 9), grant('b', 'ACTIVE', -5, -1)]],
    ['a frozen one and a newer revoked one', 'REVOKED', 'b', [grant('a', 'SUSPENDED', -9, 9), grant('b', 'REVOKED', -5, 9)]],
  ])('with %s is %s', (_facts, reason, grantId, grants) => {
    const decision = decideAccess('film', grants, now);
    expect(decision).toMatchObject({ filmId: 'film', reason, grantId, allowed: reason === 'GRANTED' });
    const decisive = grants?.find((candidate) => candidate.id === grantId);
    expect(decision.availableUntil).toEqual(reason === 'GRANTED' ? decisive?.availableUntil : null);
    expect(decideAccess('film', grants && [...grants].reverse(), now)).toEqual(decision);
  });

  test('is decided by two grants of many, at most', () => {
    const grants = fc.array(
      fc.record({
        id: fc.stringMatching(/^[a-f]$/),
        status: fc.constantFrom<GrantStatus>('ACTIVE', 'EXPIRED', 'REFUNDED', 'REVOKED', 'SUSPENDED'),
        grantedAt: fc.integer({ min: -3, max: -1 }).map((days) => at(days)),
        availableUntil: fc.integer({ min: -2, max: 2 }).map((days) => at(days)),
      }),
      { minLength: 1, maxLength: 20 },
    );
    fc.assert(
      fc.property(grants, (many) => {
        const few = decisiveGrants(many, now);
        expect(few.length).toBeLessThanOrEqual(2);
        expect(decideAccess('film', few, now)).toEqual(decideAccess('film', many, now));
      }),
    );
  });

  test('does not depend on the order of the grants', () => {
    const grants = [grant('a', 'ACTIVE', -9, 5), grant('b', 'ACTIVE', -1, 2), grant('c', 'REFUNDED', -1, 9)];
    expect(decideAccess('film', [...grants].reverse(), now)).toEqual(decideAccess('film', grants, now));
  });
});
