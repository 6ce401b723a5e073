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
  async (sent) => {
    const response = await kit.post(sent, { authorization: `Bearer ${token}` });
    if (response.status >= 500) throw new Error(`answered with status ${response.status}: ${await response.text()}`);
    return response.json() as Promise<Answer>;
  };

/** Sends over one socket; a live operation answers with its first event. Closes by `close`. */
export async function overWebSocket(kit: Kit, token: string): Promise<Send & { close(): void }> {
  const socket = await RawSocket.bare(`${kit.url.replace('http', 'ws')}/graphql`);
  socket.send({ type: 'connection_init', payload: { token } });
  await until(() => socket.messages.some(({ type }) => type === 'connection_ack'), 'acknowledged');
  const waiting = new Map<string, (message: Message) => void>();
  socket.socket.on('message', (data: Buffer) => {
    const message = JSON.parse(data.toString()) as Message & { id: string };
    waiting.get(message.id)?.(message);
    waiting.delete(message.id);
    // Nobody looks into them later, and there may be very many.
    socket.messages.length = 0;
  });
  const send = async (sent: Sent): Promise<Answer> => {
    const id = randomUUID();
    const { type, payload } = await new Promise<Message>((resolve, reject) => {
      const closed = () => reject(new Error('the socket was closed'));
      waiting.set(id, (message) => {
        socket.socket.off('close', closed);
        resolve(message);
      });
      socket.socket.once('close', closed);
      socket.send({ type: 'subscribe', id, payload: sent });
    });
    if (type === 'next') socket.send({ type: 'complete', id });
    return (type === 'error' ? { errors: payload } : payload) as Answer;
  };
  return Object.assign(send, { close: () => socket.socket.terminate() });
}
