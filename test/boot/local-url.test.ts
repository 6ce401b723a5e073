import { expect, test } from '@jest/globals';
import { localUrl } from '../../src/runtime/ports.js';

test.each([
  ['127.0.0.1', 'http://127.0.0.1:4000'],
  ['0.0.0.0', 'http://127.0.0.1:4000'],
  ['::', 'http://127.0.0.1:4000'],
  ['::1', 'http://[::1]:4000'],
  ['films.example', 'http://films.example:4000'],
])('a server on %s is reached at %s', (host, url) => {
  expect(localUrl({ host, port: 4_000 })).toBe(url);
  expect(new URL(url).port).toBe('4000');
});
