import type { Limits } from '../../config/limits.js';
import { normalised, textFault } from '../../runtime/text.js';
import { maxPayment, stripeStep } from '../../stores/stripe-amounts.js';
import type { BillingError } from '../errors.js';
import { parseId } from '../ids.js';

/** The contract's, and the database's (check constraints). */
const MAX_FILM_TITLE_CHARACTERS = 300;
const MAX_SUBSCRIPTION_TITLE_CHARACTERS = 200;
/** One answer names at most this many faults; the rest show once these are fixed. */
const MAX_FAULT_COUNT = 100;

export type WriteLimits = Pick<
  Limits,
  | 'createFilmsMaximumCount'
  | 'subscriptionFilmsMaximumCount'
  | 'subscriptionDurationMaximumDays'
  | 'pricePerDayMaximumMinorUnits'
  | 'paymentMaximumMinorUnits'
  | 'descriptionMaximumCharacters'
>;

export interface CreateFilmInput {
  readonly id?: string | null | undefined;
  readonly title: string;
  readonly description?: string | null | undefined;
}

/** What is undefined stays; a description of null is taken away. */
export interface UpdateFilmInput {
  readonly id: string;
  readonly title?: string | null | undefined;
  readonly description?: string | null | undefined;
}

export interface CreateSubscriptionInput {
  readonly title: string;
  readonly description: string;
  readonly filmIds: readonly string[];
  /** In minor units. */
  readonly pricePerDay: number;
  readonly currency?: string | null | undefined;
  readonly durationDays: number;
}

/** What is undefined or null stays. */
export interface UpdateSubscriptionInput {
  readonly id: string;
  readonly title?: string | null | undefined;
  readonly description?: string | null | undefined;
  readonly filmIds?: readonly string[] | null | undefined;
  readonly pricePerDay?: number | null | undefined;
  readonly durationDays?: number | null | undefined;
}

/** Collects what is wrong with an input, each with the path to the field. */
class Faults {
  readonly errors: BillingError[] = [];

  add(message: string, ...path: (string | number)[]): void {
    if (this.errors.length >= MAX_FAULT_COUNT) return;
    this.errors.push({ code: 'INVALID_INPUT', message, path: ['input', ...path.map(String)] });
  }

  checkTitle(title: string, maximum: number, ...path: (string | number)[]): void {
    const fault = textFault('A title', title, { minimum: 1, maximum });
    if (fault) this.add(fault, ...path);
  }

  checkDescription(description: string, maximum: number, ...path: (string | number)[]): void {
    const fault = textFault('A description', description, { minimum: 0, maximum });
    if (fault) this.add(fault, ...path);
  }

  checkWhole(value: number, minimum: number, maximum: number, field: string): void {
    if (Number.isSafeInteger(value) && value >= minimum && value <= maximum) return;
    this.add(`\`${field}\` must be from ${minimum} to ${maximum}.`, field);
  }

  checkFilmIds(filmIds: readonly string[], maximum: number): void {
    if (filmIds.length < 1 || filmIds.length > maximum) {
      this.add(`A subscription has 1 to ${maximum} films.`, 'filmIds');
      return;
    }
    const seen = new Set<string>();
    for (const [index, filmId] of filmIds.entries()) {
      const id = parseId(filmId);
      if (!id) this.add('A film id is a UUID.', 'filmIds', index);
      else if (seen.has(id)) this.add('A film is named twice.', 'filmIds', index);
      else seen.add(id);
    }
  }
}

/** Checked words in the form in which they are stored. */
export function normaliseWords<
  Words extends { readonly title?: string | null | undefined; readonly description?: string | null | undefined },
>(words: Words): Words {
  const { title, description } = words;
  return {
    ...words,
    ...(typeof title === 'string' && { title: normalised(title) }),
    ...(typeof description === 'string' && { description: normalised(description) }),
  };
}

/** What is wrong with films to be added, each fault with its place in the input: INVALID_INPUT. Empty when nothing is. */
export function checkCreateFilms(input: readonly CreateFilmInput[], limits: WriteLimits): BillingError[] {
  const faults = new Faults();
  if (input.length < 1 || input.length > limits.createFilmsMaximumCount) {
    faults.add(`Give 1 to ${limits.createFilmsMaximumCount} films at once.`);
    return faults.errors;
  }
  const seen = new Set<string>();
  for (const [index, film] of input.entries()) {
    faults.checkTitle(film.title, MAX_FILM_TITLE_CHARACTERS, index, 'title');
    faults.checkDescription(film.description ?? '', limits.descriptionMaximumCharacters, index, 'description');
    if (film.id === null || film.id === undefined) continue;
    const id = parseId(film.id);
    if (!id) faults.add('A film id is a UUID.', index, 'id');
    else if (seen.has(id)) faults.add('Two films have this id.', index, 'id');
    else seen.add(id);
  }
  return faults.errors;
}

/** What is wrong with a film's new words: INVALID_INPUT. Empty when nothing is. */
export function checkUpdateFilm(input: UpdateFilmInput, limits: WriteLimits): BillingError[] {
  const faults = new Faults();
  if (input.title !== null && input.title !== undefined) {
    faults.checkTitle(input.title, MAX_FILM_TITLE_CHARACTERS, 'title');
  }
  faults.checkDescription(input.description ?? '', limits.descriptionMaximumCharacters, 'description');
  return faults.errors;
}

/** Only what is given; what is left out of an update was checked when it was written. */
export function checkSubscription(input: Omit<UpdateSubscriptionInput, 'id'>, limits: WriteLimits): BillingError[] {
  const faults = new Faults();
  const { title, description, filmIds, pricePerDay, durationDays } = input;
  if (typeof title === 'string') faults.checkTitle(title, MAX_SUBSCRIPTION_TITLE_CHARACTERS, 'title');
  if (typeof description === 'string') {
    faults.checkDescription(description, limits.descriptionMaximumCharacters, 'description');
  }
  if (filmIds) faults.checkFilmIds(filmIds, limits.subscriptionFilmsMaximumCount);
  if (typeof pricePerDay === 'number') {
    faults.checkWhole(pricePerDay, 0, limits.pricePerDayMaximumMinorUnits, 'pricePerDay');
  }
  if (typeof durationDays === 'number') {
    faults.checkWhole(durationDays, 1, limits.subscriptionDurationMaximumDays, 'durationDays');
  }
  return faults.errors;
}

/** CURRENCY_MISMATCH unless prices are in this currency; empty when none is given. */
export function checkCurrency(currency: string | null | undefined, expected: string): BillingError[] {
  if (currency === null || currency === undefined || currency === expected) return [];
  return [{ code: 'CURRENCY_MISMATCH', message: `Prices are in ${expected}.`, path: ['input', 'currency'], expected }];
}

/**
 * The whole price must fit into one payment, and be an amount that Stripe has in the currency: it gets a copy. What is too little for a
 * card can still be paid from the balance.
 */
export function checkPrice(
  terms: { pricePerDay: number; durationDays: number },
  currency: string,
  limits: WriteLimits,
): BillingError[] {
  const faults = new Faults();
  const maximum = Math.min(limits.paymentMaximumMinorUnits, maxPayment(currency));
  const step = stripeStep(currency);
  const price = terms.pricePerDay * terms.durationDays;
  if (price % step !== 0) {
    faults.add(`The whole price, pricePerDay × durationDays, must be a multiple of ${step} in ${currency}.`, 'pricePerDay');
  }
  if (price > maximum) {
    faults.add(`The whole price, pricePerDay × durationDays, may be up to ${maximum}.`, 'pricePerDay');
  }
  return faults.errors;
}
