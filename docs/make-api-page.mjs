// Runs the operations of docs/api.md against a server with fresh development data and writes the page with the real answers; with
// --check it compares them with the page instead, up to ids, instants, cursors and addresses, and ends with 1 when they differ.
// node docs/make-api-page.mjs http://localhost:4000 [--check]; npm run documented brings its own server.
import { readFileSync, writeFileSync } from 'node:fs';
import { keepHouse } from './api-page/admin-tasks.mjs';
import { comparable } from './api-page/comparable.mjs';
import { House } from './api-page/house.mjs';
import { Page } from './api-page/page.mjs';
import { lookAround } from './api-page/public-tasks.mjs';
import { buyAndGiveBack } from './api-page/viewer-tasks.mjs';

const [base = 'http://localhost:4000'] = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const check = process.argv.includes('--check');

const house = await House.at(base);
const page = new Page(house);
await house.settled();
const plan = await lookAround(page);
const userId = await buyAndGiveBack(page, plan);
await keepHouse(page, userId, plan);

const file = new URL('api.md', import.meta.url);
const text = page.text();
if (check) {
  const [shown, real] = [readFileSync(file, 'utf8'), text].map(comparable);
  const line = real.findIndex((found, at) => found !== shown[at]);
  if (line >= 0 || shown.length !== real.length) {
    console.error(`docs/api.md, line ${line + 1}, says\n  ${shown[line]}\nbut what happens is\n  ${real[line]}`);
    console.error('Mend what is wrong, or write the page anew: npm run documented -- --write');
    process.exit(1);
  }
  console.log(`  ok  docs/api.md says what happens (${page.operationsCount} operations run)`);
} else {
  writeFileSync(file, text);
  console.log('docs/api.md is written.');
}
