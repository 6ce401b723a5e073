import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { buildSchema, type ExecutionArgs, GraphQLError } from 'graphql';
import { type Client, createClient } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocket, WebSocketServer } from 'ws';
import { resuming } from '../../examples/resume.js';

const schema = buildSchema(`
  type Query { none: Boolean }
  type Change { cursor: String! }
  type Subscription { changed(after: String): Change! }
`);

describe('the example of a client that resumes', () => {
  let server: WebSocketServer | undefined;
  let client: Client | undefined;

  afterEach(async () => {
    await client?.dispose();
    server?.close();
  });

  it('resumes after its last cursor when the socket breaks, and misses and repeats nothing', async () => {
    server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    const askedAfter: unknown[] = [];
    const seen: string[] = [];
    useServer(
      {
        schema,
        subscribe: ({ variableValues }: ExecutionArgs) => {
          askedAfter.push(variableValues?.after ?? null);
          const cursor = Number(variableValues?.after ?? 0);
          return changesAfter(cursor, async () => {
            while (seen.at(-1) !== String(cursor + 2)) await new Promise((resolve) => setImmediate(resolve));
            for (const socket of server?.clients ?? []) socket.terminate();
          });
        },
      },
      server,
    );
    await follow(seen);
    expect(seen).toEqual(['1', '2', '3', '4', '5', '6']);
    expect(askedAfter).toEqual([null, '2', '4']);
  });

  it.each(['at its start', 'while it was stalled'])('forgets a cursor that was refused %s, and starts over', async (when) => {
    server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    const expiry = new GraphQLError('Start over.', { extensions: { code: 'CURSOR_EXPIRED' } });
    const askedAfter: unknown[] = [];
    const seen: string[] = [];
    useServer(
      {
        schema,
        // The errors of a stream that cannot continue arrive as `error`, those of its start as `next`.
        onSubscribe: (_context, _id, { variables }) => {
          askedAfter.push(variables?.after ?? null);
          return variables?.after && when !== 'at its start' ? [expiry] : undefined;
        },
        subscribe: ({ variableValues }: ExecutionArgs) => {
          if (variableValues?.after) return { errors: [expiry] };
          const startsOver = askedAfter.length > 1;
          return changesAfter(startsOver ? 4 : 0, async () => {
            while (seen.at(-1) !== '2') await new Promise((resolve) => setImmediate(resolve));
            for (const socket of server?.clients ?? []) socket.terminate();
          });
        },
      },
      server,
    );
    await follow(seen);
    expect(seen).toEqual(['1', '2', '5', '6']);
    expect(askedAfter).toEqual([null, '2', null]);
  });

  /** Follows the server with the example's client until it has nothing more to say. */
  async function follow(seen: string[]): Promise<void> {
    await new Promise((resolve) => server?.once('listening', resolve));
    const { port } = (server?.address() ?? {}) as AddressInfo;
    const inner = createClient({
      url: `ws://127.0.0.1:${port}`,
      webSocketImpl: WebSocket,
      shouldRetry: () => true,
      retryWait: async () => undefined,
    });
    client = resuming(inner);
    const query = 'subscription Follow($after: String) { changed(after: $after) { cursor } }';
    await new Promise<void>((resolve, reject) => {
      client?.subscribe<{ changed: { cursor: string } }>(
        { query },
        { next: ({ data }) => void seen.push(data?.changed.cursor ?? 'none'), error: reject, complete: resolve },
      );
    });
  }
});

/** Two changes, then, once they were seen, the line breaks; six in all. */
async function* changesAfter(cursor: number, breakTheLine: () => Promise<void>) {
  for (const next of [cursor + 1, cursor + 2]) yield { data: { changed: { cursor: String(next) } } };
  if (cursor + 2 === 6) return;
  await breakTheLine();
  await new Promise(() => undefined);
}
