/**
 * The placeholders in double braces in a tab's variables and headers: tokens by role, `{{new}}` for a fresh idempotency key, and
 * values from earlier responses (`{{grantId}}` and so on). The example tabs work in order with nothing to copy, and the tabs, which
 * GraphiQL keeps in localStorage, contain no token. A pasted token is kept in sessionStorage, until the browser tab is closed.
 */
export class Placeholders {
  #values = new Map();

  set(name, value) {
    this.#values.set(name, value);
  }

  has(name) {
    return this.#values.has(name);
  }

  /** Replaces placeholders with their values. A string that is only a placeholder becomes the value itself, which may be a list. */
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
          ? 'Paste a token into the field at the top of the page.'
          : `{{${name}}} has no value yet: run the tab that creates it first, or replace it with a value.`,
      );
    }
    return this.#values.get(name);
  }

  /** Stores the values in a response that later tabs need. */
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
