import { createHmac } from 'node:crypto';
import { UNIQUE } from './scenarios.js';
import { WEBHOOK_SECRET } from './webhook.js';

/** A request as the load writes it on a socket: its head without the empty line, and its body. */
export function rawRequest(contestant, name, scenario, subject) {
  const { method, path, body = '' } = contestant.request(name, scenario, subject);
  const headers = ['host: 127.0.0.1', 'accept: application/json'];
  if (subject.token) headers.push(`authorization: Bearer ${subject.token}`);
  if (body) headers.push('content-type: application/json', `content-length: ${Buffer.byteLength(body)}`);
  return { head: `${[`${method} ${path} HTTP/1.1`, ...headers].join('\r\n')}\r\n`, body };
}

/** Asks once; the parsed answer. Fails when it is no success. */
export async function ask(contestant, port, name, scenario, subject, uniqueId) {
  const { method, path, body: template } = contestant.request(name, scenario, subject);
  const body = template?.replace(UNIQUE, uniqueId);
  const headers = { accept: 'application/json' };
  if (subject.token) headers.authorization = `Bearer ${subject.token}`;
  if (body) headers['content-type'] = 'application/json';
  if (scenario.signed) headers['stripe-signature'] = signatureOf(body);
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers, body });
  const text = await response.text();
  if (!response.ok || text.includes('"errors":[{')) throw new Error(`${contestant.title}, ${name}: ${response.status} ${text}`);
  return JSON.parse(text);
}

function signatureOf(body) {
  const timestamp = Math.floor(Date.now() / 1_000);
  const v1 = createHmac('sha256', WEBHOOK_SECRET).update(`${timestamp}.${body}`).digest('hex');
  return `t=${timestamp},v1=${v1}`;
}
