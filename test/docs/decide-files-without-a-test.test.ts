import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';

const namesIn = (directory: string) => readdirSync(directory, { recursive: true, encoding: 'utf8' });
/** As the project `decide` of jest.config.js. */
const isDecideTest = (name: string) => /(^|\/)(decide-[^/]+|classify-event)\.test\.ts$/.test(name);
const tests = namesIn('test')
  .filter(isDecideTest)
  .map((name) => readFileSync(path.join('test', name), 'utf8'));

test.each(namesIn('src').filter((name) => /(^|\/)(decide-[^/]+|classify-event)\.ts$/.test(name)))(
  'src/%s, which decides and does nothing else, is tested among the tests that need no database',
  (name) => {
    const specifier = `/${path.basename(name, '.ts')}.js'`;
    expect(tests.filter((text) => text.includes(specifier))).not.toEqual([]);
  },
);
