/** What a version is made of: whatever of it changes makes a new one. */
export interface Terms {
  /** In minor units. */
  readonly pricePerDay: number;
  readonly durationDays: number;
  /** In any order, in lower case. */
  readonly filmIds: readonly string[];
}

/** What an update asks for; undefined stays. */
export interface TermsChange {
  readonly pricePerDay?: number | undefined;
  readonly durationDays?: number | undefined;
  readonly filmIds?: readonly string[] | undefined;
}

/** The terms of the version that an update makes necessary; null when nothing of them changes. */
export function decideNewVersion(current: Terms, change: TermsChange): Terms | null {
  const next: Terms = {
    pricePerDay: change.pricePerDay ?? current.pricePerDay,
    durationDays: change.durationDays ?? current.durationDays,
    filmIds: change.filmIds ?? current.filmIds,
  };
  const same =
    next.pricePerDay === current.pricePerDay &&
    next.durationDays === current.durationDays &&
    sameFilms(next.filmIds, current.filmIds);
  return same ? null : next;
}

function sameFilms(some: readonly string[], others: readonly string[]): boolean {
  const known = new Set(others);
  return some.length === known.size && some.every((filmId) => known.has(filmId));
}
