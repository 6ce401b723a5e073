import type { GraphQLError } from 'graphql';
import type { Client } from 'graphql-ws';

/**
 * A graphql-ws client whose live operations resume after the last cursor they have received. When a socket disconnects, graphql-ws
 * subscribes again automatically with the same variables, so it is enough to keep `after` in them up to date. When a cursor has
 * expired, it is dropped, and the current state is sent first, then the changes. The operation must declare `$after: String` and
 * select `cursor` in its only root field.
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
            error: (failure) => (isExpiry(failure) && !stopped ? restart() : sink.error(failure)),
            complete: () => (expired && !stopped ? restart() : sink.complete()),
          },
        );
      };
      const restart = () => {
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
