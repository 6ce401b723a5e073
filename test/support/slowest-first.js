import Sequencer from '@jest/test-sequencer';

/** Files that take longest, the longest first: a worker that got one of them last would keep the run waiting for it alone. */
const SLOWEST = [
  'browser/demo',
  'browser/playground',
  // Counts the heap, which grows with each file that a worker has run.
  'gateway/document-cache-memory',
  'boot/start',
  'jobs/worker-processes',
  'live/two-processes',
  'money/process-killed-while-money-moves',
  'boot/embedded-postgres',
  'boot/dev',
  'boot/worker',
  'boot/clock-moved-in-development',
  'jobs/wrong-clock',
  'gateway/requests-lost-on-takeover',
  'stripe-events/any-order',
  'recipes/recipes',
  'live/two-processes-grants',
  'boot/start-together',
  'jobs/scheduler',
  'gateway/slow-clients',
  'gateway/wrong-answers-by-differential-fuzz',
  'money/amounts-at-stripe',
  'money/verify-ledger',
].map((name) => `/test/${name}.test.ts`);

const rankOf = ({ path }) => {
  const rank = SLOWEST.findIndex((name) => path.endsWith(name));
  return rank === -1 ? SLOWEST.length : rank;
};

export default class SlowestFirst extends Sequencer {
  sort(tests) {
    return [...super.sort(tests)].sort((left, right) => rankOf(left) - rankOf(right));
  }
}
