/**
 * What stands in double braces in the variables and headers of a tab: tokens by their role, `{{new}}` for a fresh
 * idempotency key, and what the last answers gave (`{{grantId}}` and so on). So the ready tabs work one after the other
 * with nothing to copy, and the tabs, which GraphiQL keeps in the browser's storage, hold no token. One that was pasted is kept
 * apart, in sessionStorage: until the browser's tab is closed.
 */
export class Placeholders {
  #values = new Map();

  set(name, value) {
    this.#values.set(name, value);
  }

  has(name) {
    return this.#values.has(name);
  }

  /** Puts the values in; a text that is nothing but a placeholder becomes the value itself, a list for instance. */
  fill(input) {
    if (Array.isArray(input)) return input.map((item) => this.fill(item));
    if (input && typeof input === 'object') {
      return Object.fromEntries(Object.entries(input).map(([key, value]) => [key, this.fill(value)]));
    }
    if (typeof input !== 'string') return input;
    const whole = /^\{\{(\w+)\}\}$/.exec(input);
    if (whole) return this.#value(whole[1]);
    return input.replaceAll(/\{\{(\w+)\}\}/g, (_text, name) => String(this.#value(name)));
  }

  #value(name) {
    if (name === 'new') return crypto.randomUUID();
    if (!this.#values.has(name)) {
      throw new Error(
        name === 'token'
          ? 'Paste a token into the field at the top.'
          : `{{${name}}} is not known yet: run the tab that makes it first, or write a value in its place.`,
      );
    }
    return this.#values.get(name);
  }

  /** Remembers what later tabs need from an answer. */
  remember(data) {
    if (!data) return;
    const found = {
      filmIds: data.createFilms?.films?.map((film) => film.id),
      subscriptionId: data.createSubscription?.subscription?.id,
      orderId: data.purchase?.order?.id ?? data.topUp?.order?.id,
      grantId: data.purchase?.grant?.id ?? data.order?.grant?.id ?? data.grantChanged?.grant?.id,
      userId: data.me?.userId,
      stripeEventId: data.stripeEvents?.nodes?.[0]?.id,
    };
    for (const [name, value] of Object.entries(found)) {
      if (value && value.length > 0) this.#values.set(name, value);
    }
  }
}
