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
  test.each<[string, GrantFacts[] | null, AccessReason, string | null]>([
    ['no such film', null, 'UNKNOWN_FILM', null],
    ['no grant', [], 'NO_GRANT', null],
    ['an active grant', [grant('a', 'ACTIVE', -1, 1)], 'GRANTED', 'a'],
    ['an active grant in its last millisecond', [grant('a', 'ACTIVE', -1, 0, 1)], 'GRANTED', 'a'],
    ['an active grant at its very end', [grant('a', 'ACTIVE', -1, 0)], 'EXPIRED', 'a'],
    ['an active grant that the expiry job has not seen yet', [grant('a', 'ACTIVE', -9, -1)], 'EXPIRED', 'a'],
    ['an expired grant', [grant('a', 'EXPIRED', -9, -1)], 'EXPIRED', 'a'],
    ['a refunded grant with time left', [grant('a', 'REFUNDED', -1, 9)], 'REFUNDED', 'a'],
    ['a revoked grant with time left', [grant('a', 'REVOKED', -1, 9)], 'REVOKED', 'a'],
    ['a frozen grant with time left', [grant('a', 'SUSPENDED', -1, 9)], 'SUSPENDED', 'a'],
    ['a frozen grant whose time is over', [grant('a', 'SUSPENDED', -9, 0)], 'EXPIRED', 'a'],
    ['two active grants: the longer', [grant('a', 'ACTIVE', -9, 5), grant('b', 'ACTIVE', -1, 2)], 'GRANTED', 'a'],
    ['two equally long: the newer', [grant('b', 'ACTIVE', -9, 5), grant('a', 'ACTIVE', -1, 5)], 'GRANTED', 'a'],
    ['two that are equal in all: by id', [grant('a', 'ACTIVE', -1, 5), grant('b', 'ACTIVE', -1, 5)], 'GRANTED', 'b'],
    ['an active one and a newer refunded one', [grant('a', 'ACTIVE', -9, 1), grant('b', 'REFUNDED', -1, 9)], 'GRANTED', 'a'],
    ['an expired one and a newer refunded one', [grant('a', 'EXPIRED', -9, -2), grant('b', 'REFUNDED', -5, 9)], 'REFUNDED', 'b'],
    ['a refunded one and a newer expired one', [grant('a', 'REFUNDED', -9, 9), grant('b', 'ACTIVE', -5, -1)], 'EXPIRED', 'b'],
    ['a frozen one and a newer revoked one', [grant('a', 'SUSPENDED', -9, 9), grant('b', 'REVOKED', -5, 9)], 'REVOKED', 'b'],
  ])('with %s', (_facts, grants, reason, grantId) => {
    const decision = decideAccess('film', grants, now);
    expect(decision).toMatchObject({ filmId: 'film', reason, grantId, allowed: reason === 'GRANTED' });
    const decisive = grants?.find((candidate) => candidate.id === grantId);
    expect(decision.availableUntil).toEqual(reason === 'GRANTED' ? decisive?.availableUntil : null);
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
