// Runs the operations of docs/api.md against a server with fresh development data and writes the page with the real responses; with
// --check it compares them with the page instead, ignoring ids, timestamps, cursors and URLs, and exits with 1 if they differ.
// node docs/make-api-page.mjs http://localhost:4000 [--check]; npm run documented starts its own server.
import { readFileSync, writeFileSync } from 'node:fs';
import { administer } from './api-page/admin-tasks.mjs';
import { comparable } from './api-page/comparable.mjs';
import { DemoServer } from './api-page/demo-server.mjs';
import { Page } from './api-page/page.mjs';
import { browse } from './api-page/public-tasks.mjs';
import { buyAndRefund } from './api-page/viewer-tasks.mjs';

const [base = 'http://localhost:4000'] = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const check = process.argv.includes('--check');

const server = await DemoServer.at(base);
const page = new Page(server);
await server.settled();
const plan = await browse(page);
const userId = await buyAndRefund(page, plan);
await administer(page, userId, plan);

const file = new URL('api.md', import.meta.url);
const text = page.text();
if (check) {
  const [shown, real] = [readFileSync(file, 'utf8'), text].map(comparable);
  const line = real.findIndex((found, at) => found !== shown[at]);
  if (line >= 0 || shown.length !== real.length) {
    console.error(`docs/api.md, line ${line + 1}, is\n  ${shown[line]}\nbut the server returned\n  ${real[line]}`);
    console.error('Fix the cause, or write the page again: npm run documented -- --write');
    process.exit(1);
  }
  console.log(`  ok  docs/api.md matches the server (${page.operationsCount} operations)`);
} else {
  writeFileSync(file, text);
  console.log('Wrote docs/api.md.');
}
