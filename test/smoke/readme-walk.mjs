import { readFileSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { runCommand } from './run-command.mjs';
import { until } from './waiting.mjs';

const SECTION = '## A first purchase with curl';
/** Ids of the demo catalogue are the same everywhere. */
const MADE_UP = /(?!01939c1e-)[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** Runs each command of the README's first purchase in a shell, and pays where it says so. Fails when an answer differs from the one shown. */
export async function walkReadme(app) {
  const readme = readFileSync('README.md', 'utf8');
  const section = readme.slice(readme.indexOf(SECTION)).split(/\n## /)[0];
  const blocks = [...section.matchAll(/```(sh|json)\n([\s\S]*?)```/g)].map(([, language, text]) => ({ language, text }));
  const [ask] = /^ask\(\) \{[\s\S]*?^\}/m.exec(blocks[0].text);
  const env = { PATH: process.env.PATH, TOKEN: await app.tokenOf('viewer') };
  let renamed = (text) => text.replaceAll('localhost:4000', new URL(app.url).host);
  let count = 0;
  for (let index = 0; index < blocks.length; index += 2) {
    const [command, shown] = [blocks[index], blocks[index + 1]];
    if (command.language !== 'sh' || shown?.language !== 'json') throw new Error('a command of the README has no answer');
    const expected = documentsOf(shown.text);
    let answers;
    const isAsShown = async () => {
      answers = documentsOf(await runCommand('bash', ['-c', renamed(`${ask}\n${command.text}`)], { env }));
      return isDeepStrictEqual(answers.map(withoutMadeUp), expected.map(withoutMadeUp));
    };
    await until(isAsShown, 'the answers that the README shows').catch(() => {
      throw new Error(`README: ${command.text}answered ${JSON.stringify(answers, null, 2)}`);
    });
    count += answers.length;
    const order = answers[0].data.purchase?.order;
    if (!order) continue;
    await pay(order.checkoutUrl);
    const before = renamed;
    renamed = (text) => before(text).replaceAll(expected[0].data.purchase.order.id, order.id);
  }
  return count;
}

/** One JSON text for the whole, or one for each line. */
function documentsOf(text) {
  try {
    return [JSON.parse(text)];
  } catch {
    return text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  }
}

const withoutMadeUp = (answer) =>
  JSON.stringify(answer)
    .replace(MADE_UP, 'an id')
    .replace(/"\d{4}-\d\d-\d\dT[\d:.]+Z"/g, '"an instant"')
    .replace(/"http:[^"]*\/checkout\/[^"]*"/g, '"an address"');

async function pay(checkoutUrl) {
  const { origin, pathname } = new URL(checkoutUrl);
  const response = await fetch(`${origin}/sandbox/checkout/${path.basename(pathname)}/pay`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ card: '4242424242424242' }),
  });
  if (!response.ok) throw new Error(`the sandbox refused the payment: ${response.status}`);
}
