import { randomUUID } from 'node:crypto';
import { type Message, RawSocket } from '../live/socket-scene.js';
import { until } from '../support/until.js';
import { type Answer, startGateway } from './gateway-kit.js';

type Kit = Awaited<ReturnType<typeof startGateway>>;

export interface Sent {
  readonly query: string;
  readonly operationName?: unknown;
  readonly variables?: unknown;
}
export type Send = (sent: Sent) => Promise<Answer>;

/** Sends by POST as the bearer of a token. */
export const overHttp =
  (kit: Kit, token: string): Send =>
  async (sent) =>
    (await kit.post(sent, { authorization: `Bearer ${token}` })).json() as Promise<Answer>;

/** Sends over one socket; a live operation answers with its first event. Closes by `close`. */
export async function overWebSocket(kit: Kit, token: string): Promise<Send & { close(): void }> {
  const socket = await RawSocket.bare(`${kit.url.replace('http', 'ws')}/graphql`);
  socket.send({ type: 'connection_init', payload: { token } });
  await until(() => socket.messages.some(({ type }) => type === 'connection_ack'), 'acknowledged');
  const send = async (sent: Sent): Promise<Answer> => {
    const id = randomUUID();
    socket.send({ type: 'subscribe', id, payload: sent });
    const { type, payload } = (await socket.next(id)) as Message;
    if (type === 'next') socket.send({ type: 'complete', id });
    return (type === 'error' ? { errors: payload } : payload) as Answer;
  };
  return Object.assign(send, { close: () => socket.socket.terminate() });
}
