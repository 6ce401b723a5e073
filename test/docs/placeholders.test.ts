import path from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';

interface Placeholders {
  set(name: string, value: unknown): void;
  fill(input: unknown): unknown;
  remember(data: unknown): void;
}

describe("the playground's placeholders", () => {
  let placeholders: Placeholders;

  beforeEach(async () => {
    const module = await import(path.resolve('public/playground/placeholders.js'));
    placeholders = new module.Placeholders();
  });

  it('fill texts, and give lists as lists', () => {
    placeholders.set('admin', 'abc');
    placeholders.remember({ createFilms: { films: [{ id: '1' }, { id: '2' }] } });
    const filled = placeholders.fill({
      Authorization: 'Bearer {{admin}}',
      input: { filmIds: '{{filmIds}}', price: 5, none: null },
    });
    expect(filled).toEqual({ Authorization: 'Bearer abc', input: { filmIds: ['1', '2'], price: 5, none: null } });
  });

  it('make a fresh idempotency key each time', () => {
    expect(placeholders.fill('{{new}}')).not.toBe(placeholders.fill('{{new}}'));
  });

  it('keep what was known when an answer is an error', () => {
    placeholders.remember({ purchase: { order: { id: 'o1' } } });
    placeholders.remember({ purchase: { order: null } });
    placeholders.remember(null);
    expect(placeholders.fill('{{orderId}}')).toBe('o1');
  });

  it('say which tab is missing', () => {
    expect(() => placeholders.fill('{{grantId}}')).toThrow('has no value yet: run the tab that creates it first');
    expect(() => placeholders.fill('Bearer {{token}}')).toThrow('Paste a token into the field at the top of the page.');
  });
});
