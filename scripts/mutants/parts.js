import { globSync } from 'node:fs';

const DECIDES = /(^|\/)(decide-[^/]+|classify-event)\.(test\.)?ts$/;
const filesOf = (...patterns) => patterns.flatMap((pattern) => globSync(pattern)).sort();
const without = (names) => (file) => !names.some((name) => file.endsWith(`/${name}.test.ts`));

/** These start processes of what is built, which mutants do not reach, or check the rows of a damaged database. */
const ELSEWHERE = ['process-killed-while-money-moves', 'verify-ledger', 'unnoticed-damage', 'rewritten-history'];

/**
 * What is mutated, the tests that run on it, and the least share of mutants that they must kill. Tests that cover nothing of a file are not
 * run on its mutants.
 */
export const parts = {
  rules: {
    title: 'Rules of money and time',
    sources: () => filesOf('src/**/*.ts').filter((file) => DECIDES.test(file)),
    tests: () => filesOf('test/**/*.test.ts').filter((file) => DECIDES.test(file)),
    leastKilled: 0.9,
  },
  access: {
    title: 'Access',
    sources: () => filesOf('src/services/access/*.ts').filter((file) => !DECIDES.test(file)),
    tests: () => filesOf('test/access/*.test.ts'),
    leastKilled: 0.9,
  },
  services: {
    title: 'Services that move money',
    sources: () =>
      filesOf('src/services/{ledger,refunds,purchases,disputes,grants,stripe-events}/*.ts').filter((file) => !DECIDES.test(file)),
    tests: () => [
      ...filesOf('test/{money,stripe-events}/*.test.ts').filter(without(ELSEWHERE)),
      'test/catalogue/catalogue-sync.test.ts',
    ],
    sampleCount: 300,
    leastKilled: 0.8,
  },
};
