import type { Client } from 'graphql-ws';

/**
 * A graphql-ws client whose live operations go on after the last cursor they have seen. graphql-ws subscribes again by itself
 * when a socket breaks, and sends the variables anew: all there is to do is to keep `after` in them. The operation must
 * declare `$after: String` and ask for `cursor` in its only root field.
 */
export function resuming(client: Client): Client {
  return {
    ...client,
    subscribe(payload, sink) {
      const variables: Record<string, unknown> = { ...payload.variables };
      return client.subscribe(
        { ...payload, variables },
        {
          ...sink,
          next(result) {
            const change = Object.values(result.data ?? {})[0] as { cursor?: string } | null | undefined;
            if (change?.cursor) variables.after = change.cursor;
            sink.next(result as never);
          },
        },
      );
    },
  };
}
