import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { until } from './waiting.mjs';

/**
 * Runs the client exactly as docs/live.md shows it, restarts the server underneath it, and changes the balance while the client is
 * cut off and after it. Fails unless the client shows each version once.
 */
export async function tryLiveClient(app) {
  const [, source] = /```ts\n([\s\S]*?)```/.exec(readFileSync('docs/live.md', 'utf8'));
  const token = await app.tokenOf('viewer');
  const code = `${source.replace('wss://films.example', app.url.replace('http', 'ws'))}
    async function freshToken() { return ${JSON.stringify(token)}; }
    function show(change: unknown) { console.log(JSON.stringify(change)); }`;
  const client = spawn(process.execPath, ['--input-type=module-typescript', '--eval', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const versions = [];
  let currency;
  createInterface({ input: client.stdout }).on('line', (line) => {
    const { balance } = JSON.parse(line);
    versions.push(balance.version);
    currency = balance.available.currency;
  });
  try {
    await until(() => versions.length > 0, 'the client shows the present balance');
    const first = versions[0];
    const expected = [first];
    for (const _round of ['once', 'twice']) {
      await adjust(app, currency);
      expected.push(expected.at(-1) + 1);
      await until(() => versions.length >= expected.length, 'the client shows a change');
      await app.stop();
      await app.start();
      // Most likely before the client is back.
      await adjust(app, currency);
      expected.push(expected.at(-1) + 1);
      await until(() => versions.length >= expected.length, 'the client shows what it missed');
    }
    if (String(versions) !== String(expected))
      throw new Error(`the client of docs/live.md showed ${versions} in place of ${expected}`);
    return expected.length;
  } finally {
    client.kill();
  }
}

async function adjust(app, currency) {
  const viewer = JSON.parse(Buffer.from((await app.tokenOf('viewer')).split('.')[1], 'base64url')).sub;
  const query = `mutation ($input: AdjustBalanceInput!) { adjustBalance(input: $input) { errors { message } } }`;
  const input = { userId: viewer, amount: 100, currency, reason: 'to see it live', idempotencyKey: crypto.randomUUID() };
  const response = await fetch(`${app.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${await app.tokenOf('admin')}` },
    body: JSON.stringify({ query, variables: { input } }),
  });
  const answer = await response.json();
  if (answer.errors || answer.data.adjustBalance.errors.length > 0) throw new Error(JSON.stringify(answer));
}
