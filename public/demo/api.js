import { errorText } from './format.js';

/** An error whose message can be shown to the user. */
export class UserError extends Error {}

/** The server no longer has the changes after a cursor: the database is new, or the tab was offline for more than a week. */
const isExpiry = (error) => Array.isArray(error) && error.some(({ extensions }) => extensions?.code === 'CURSOR_EXPIRED');

/** The public API for one viewer: queries and mutations over HTTP, changes over one WebSocket. */
export class Api {
  #token;
  #client;
  #online;
  #goOnline = () => {};
  #ended = false;

  /** `onConnection(state)` is called with 'live', 'connecting' or 'disconnected'. */
  constructor(token, onConnection) {
    this.#token = token;
    this.onConnection = onConnection;
    this.#online = Promise.resolve();
    this.#client = window.graphqlWs.createClient({
      url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/graphql`,
      connectionParams: { authorization: `Bearer ${token}` },
      // `follow` resumes after the last cursor instead.
      retryAttempts: 0,
      on: {
        connected: () => onConnection('live'),
        closed: () => onConnection(this.isDisconnected ? 'disconnected' : 'connecting'),
      },
    });
  }

  /**
   * Sends an operation and returns its only root field.
   *
   * @throws UserError
   */
  async ask(query, variables) {
    const data = await this.askAll(query, variables);
    const answer = Object.values(data)[0];
    if (answer?.errors?.length > 0) throw new UserError(answer.errors.map(errorText).join(' '));
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
      throw new UserError("Can't reach the server. Is it still running?");
    }
    const result = await response.json().catch(() => ({}));
    if (result.errors?.length > 0) {
      const expired = result.errors.some((error) => error.extensions?.code === 'UNAUTHENTICATED');
      throw new UserError(
        expired ? 'Your session has expired. Reload the page.' : result.errors.map((error) => error.message).join(' '),
      );
    }
    if (!result.data) throw new UserError(`The server responded with ${response.status}.`);
    return result.data;
  }

  /**
   * Follows a live field until `end`. After a disconnect it resumes after the last cursor, so no change is missed or seen twice.
   * `onChange(change, { resumed })` runs for each change; `resumed` is true for the first one after a disconnect. `onExpired()` runs
   * when the changes after the cursor are no longer available: the page may be out of date, and the current state comes next.
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

  isDisconnected = false;

  /** Closes the socket abruptly, as a lost connection would, and stays offline until `reconnect`. */
  disconnect() {
    this.isDisconnected = true;
    this.#online = new Promise((resolve) => {
      this.#goOnline = resolve;
    });
    this.onConnection('disconnected');
    this.#client.terminate();
  }

  reconnect() {
    this.isDisconnected = false;
    this.onConnection('connecting');
    this.#goOnline();
  }

  end() {
    this.#ended = true;
    this.#goOnline();
    this.#client.dispose();
  }
}
