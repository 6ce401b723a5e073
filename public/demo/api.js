import { errorText } from './words.js';

/** A failure that can be shown as it is. */
export class SayIt extends Error {}

/** The server no longer keeps what came after a cursor: the database is new, or the tab was away for longer than a week. */
const isExpiry = (error) => Array.isArray(error) && error.some(({ extensions }) => extensions?.code === 'CURSOR_EXPIRED');

/** The public API for one viewer: questions over HTTP, changes over one WebSocket. */
export class Api {
  #token;
  #client;
  #online;
  #goOnline = () => {};
  #ended = false;

  /** `onLine(state)` is told 'live', 'connecting' or 'cut'. */
  constructor(token, onLine) {
    this.#token = token;
    this.onLine = onLine;
    this.#online = Promise.resolve();
    this.#client = window.graphqlWs.createClient({
      url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/graphql`,
      connectionParams: { authorization: `Bearer ${token}` },
      // This page resumes by itself, after its cursors.
      retryAttempts: 0,
      on: { connected: () => onLine('live'), closed: () => onLine(this.isCut ? 'cut' : 'connecting') },
    });
  }

  /** Sends an operation; its only root field is the answer. Fails with SayIt. */
  async ask(query, variables) {
    const data = await this.askAll(query, variables);
    const answer = Object.values(data)[0];
    if (answer?.errors?.length > 0) throw new SayIt(answer.errors.map(errorText).join(' '));
    return answer;
  }

  async askAll(query, variables = {}) {
    let response;
    try {
      response = await fetch('/graphql', {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${this.#token}` },
        body: JSON.stringify({ query, variables }),
      });
    } catch {
      throw new SayIt('The server cannot be reached. Is it still running?');
    }
    const result = await response.json().catch(() => ({}));
    if (result.errors?.length > 0) {
      const expired = result.errors.some((error) => error.extensions?.code === 'UNAUTHENTICATED');
      throw new SayIt(
        expired ? 'Your token has expired: reload the page.' : result.errors.map((error) => error.message).join(' '),
      );
    }
    if (!result.data) throw new SayIt(`The server answered with ${response.status}.`);
    return result.data;
  }

  /**
   * Follows a live field for good. After a break it goes on after the last cursor, so nothing is missed or seen twice.
   * `onChange(change, { resumed })` runs for each change; `resumed` is true for the first after a break. `onExpired()` runs
   * when the changes after the cursor are no longer kept: what is shown may be out of date, and the present state comes next.
   */
  async follow(query, { onChange, onExpired, onError }) {
    let cursor;
    let waitMs = 250;
    while (!this.#ended) {
      await this.#online;
      let resumed = cursor !== undefined;
      try {
        for await (const { data, errors } of this.#client.iterate({ query, variables: cursor ? { after: cursor } : {} })) {
          if (errors) throw errors;
          const change = Object.values(data)[0];
          cursor = change.cursor;
          waitMs = 250;
          onChange(change, { resumed });
          resumed = false;
        }
      } catch (error) {
        if (isExpiry(error)) {
          cursor = undefined;
          waitMs = 250;
          onExpired();
        } else if (Array.isArray(error)) onError(error.map(({ message }) => message).join(' '));
      }
      if (this.#ended) return;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      waitMs = Math.min(waitMs * 2, 5_000);
    }
  }

  isCut = false;

  /** Breaks the socket as a tunnel or a lift would, and stays away until `reconnect`. */
  cut() {
    this.isCut = true;
    this.#online = new Promise((resolve) => {
      this.#goOnline = resolve;
    });
    this.onLine('cut');
    this.#client.terminate();
  }

  reconnect() {
    this.isCut = false;
    this.onLine('connecting');
    this.#goOnline();
  }

  end() {
    this.#ended = true;
    this.#goOnline();
    this.#client.dispose();
  }
}
