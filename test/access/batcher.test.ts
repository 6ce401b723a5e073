import { expect, test } from '@jest/globals';
import { Batcher } from '../../src/runtime/batcher.js';

/** Records each batch, which ends when the test says so. */
function scene(limits: { maxSize: number; maxConcurrency: number }, keyOf?: (request: string) => string) {
  const batches: { requests: readonly string[]; end(): void; fail(error: Error): void }[] = [];
  const batcher = new Batcher<string, string>(
    (requests) =>
      new Promise((resolve, reject) => {
        batches.push({ requests, end: () => resolve(requests.map((request) => `${request}!`)), fail: reject });
      }),
    limits,
    keyOf,
  );
  const sent = () => batches.map(({ requests }) => requests.join(''));
  return { batcher, batches, sent };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('Requests of one turn of the event loop share a batch, in which each gets its own result', async () => {
  const { batcher, batches, sent } = scene({ maxSize: 10, maxConcurrency: 2 });
  const results = ['a', 'b', 'c'].map((request) => batcher.load(request));
  expect(sent()).toEqual([]);
  await turn();
  expect(sent()).toEqual(['abc']);
  batches[0]?.end();
  expect(await Promise.all(results)).toEqual(['a!', 'b!', 'c!']);
});

test('Requests that arrive while the maximum of batches runs are in the next one, which starts before the results are handed out', async () => {
  const { batcher, batches, sent } = scene({ maxSize: 10, maxConcurrency: 1 });
  let sentWhenHandedOut: string[] = [];
  const first = batcher.load('a').then(() => {
    sentWhenHandedOut = sent();
  });
  await turn();
  const later = [batcher.load('b'), batcher.load('c')];
  await turn();
  expect(sent()).toEqual(['a']);
  batches[0]?.end();
  await first;
  expect(sentWhenHandedOut).toEqual(['a', 'bc']);
  batches[1]?.end();
  expect(await Promise.all(later)).toEqual(['b!', 'c!']);
});

test('A batch is never larger than the maximum, and never more run at once than allowed', async () => {
  const { batcher, batches, sent } = scene({ maxSize: 2, maxConcurrency: 2 });
  const results = [...'abcdef'].map((request) => batcher.load(request));
  await turn();
  await turn();
  await turn();
  expect(sent()).toEqual(['ab', 'cd']);
  batches[0]?.end();
  await results[0];
  expect(sent()).toEqual(['ab', 'cd', 'ef']);
  for (const batch of batches) batch.end();
  expect(await Promise.all(results)).toEqual([...'abcdef'].map((request) => `${request}!`));
});

test('Waiting requests with the same key share a result, but a request never shares that of a batch that has begun', async () => {
  const { batcher, batches, sent } = scene({ maxSize: 10, maxConcurrency: 2 }, (request) => request);
  const results = [batcher.load('a'), batcher.load('a')];
  await turn();
  results.push(batcher.load('a'));
  await turn();
  expect(sent()).toEqual(['a', 'a']);
  for (const batch of batches) batch.end();
  expect(await Promise.all(results)).toEqual(['a!', 'a!', 'a!']);
});

test('A batch that fails fails for its own requests only, and the next one runs', async () => {
  const { batcher, batches } = scene({ maxSize: 10, maxConcurrency: 1 });
  const failed = batcher.load('a');
  await turn();
  const next = batcher.load('b');
  batches[0]?.fail(new Error('lost'));
  await expect(failed).rejects.toThrow('lost');
  batches[1]?.end();
  expect(await next).toBe('b!');
});
