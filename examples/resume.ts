import type { GraphQLError } from 'graphql';
import type { Client } from 'graphql-ws';

/**
 * A graphql-ws client whose live operations go on after the last cursor they have seen. graphql-ws subscribes again by itself
 * when a socket breaks, and sends the variables anew: all there is to do is to keep `after` in them. A cursor that has expired
 * is forgotten, and the present state comes next, before the changes. The operation must declare `$after: String` and ask for
 * `cursor` in its only root field.
 */
export function resuming(client: Client): Client {
  return {
    ...client,
    subscribe(payload, sink) {
      const variables: Record<string, unknown> = { ...payload.variables };
      let stopped = false;
      let stop = () => {};
      const start = () => {
        let expired = false;
        stop = client.subscribe(
          { ...payload, variables },
          {
            next(result) {
              expired = isExpiry(result.errors);
              if (expired) return;
              const change = Object.values(result.data ?? {})[0] as { cursor?: string } | null | undefined;
              if (change?.cursor) variables.after = change.cursor;
              sink.next(result as never);
            },
            error: (failure) => (isExpiry(failure) && !stopped ? startAfresh() : sink.error(failure)),
            complete: () => (expired && !stopped ? startAfresh() : sink.complete()),
          },
        );
      };
      const startAfresh = () => {
        delete variables.after;
        start();
      };
      start();
      return () => {
        stopped = true;
        stop();
      };
    },
  };
}

function isExpiry(failure: unknown): boolean {
  return Array.isArray(failure) && failure.some((error: GraphQLError) => error.extensions?.code === 'CURSOR_EXPIRED');
}
