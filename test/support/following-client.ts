import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';

export interface Following<Change> {
  readonly seen: Change[];
  /** How often it was acknowledged. */
  connections(): number;
  /** Breaks the connection as a tunnel does: without a word. False when there was none. */
  cut(): boolean;
  stop(): Promise<void>;
}

/** How a change arrived. */
export interface Arrival {
  /** How often the operation had been sent by then: once for each connection, and again after each end of it. */
  readonly attempts: number;
  /** Whether a part of it could not be read, and is null. */
  readonly hasErrors: boolean;
}

type Result<Field extends string, Change> = { [Name in Field]: Change };

/** A client as docs/live.md shows it: it resumes after its last cursor whatever happens to the socket, server or Redis. */
export function follow<Change extends { cursor: string }>(options: {
  url: () => string;
  token: () => string;
  field: string;
  query: string;
  /** Called with each change as it arrives. */
  onChange?: (change: Change, arrival: Arrival) => void;
}): Following<Change> {
  const seen: Change[] = [];
  let socket: WebSocket | null = null;
  let stopped = false;
  let connections = 0;
  const client = createClient({
    url: options.url,
    webSocketImpl: class extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols, { perMessageDeflate: false });
        socket = this;
      }
    },
    on: {
      connected: () => {
        connections++;
      },
    },
    connectionParams: () => ({ token: options.token() }),
    retryAttempts: Number.POSITIVE_INFINITY,
    retryWait: () => new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 80)),
  });
  // Sent again, with its current value, on each new connection.
  const variables: { after: string | null } = { after: null };
  let starts = 0;
  const start = () => {
    if (stopped) return;
    starts++;
    const again = () => setTimeout(start, 50);
    client.subscribe<Result<string, Change>>(
      { query: options.query, variables },
      {
        next: ({ data, errors }) => {
          const change = data?.[options.field];
          if (change) {
            seen.push(change);
            options.onChange?.(change, { attempts: connections + starts, hasErrors: errors !== undefined });
            variables.after = change.cursor;
          } else if (errors?.some((error) => error.extensions?.code === 'CURSOR_EXPIRED')) {
            variables.after = null;
          }
        },
        error: again,
        complete: again,
      },
    );
  };
  start();
  return {
    seen,
    connections: () => connections,
    cut: () => {
      const wasOpen = socket?.readyState === WebSocket.OPEN;
      socket?.terminate();
      return wasOpen;
    },
    stop: async () => {
      stopped = true;
      await client.dispose();
    },
  };
}
