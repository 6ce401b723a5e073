import { transpileOptions } from './scripts/transpile.js';

/** Tests of pure functions: they need no database and no server, and run in seconds. */
const DECIDE = '/test/.*/(decide-[^/]+|classify-event)\\.test\\.ts$';

const shared = {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': '$1',
    '^@boxoffice/stripe-sandbox$': '<rootDir>/packages/stripe-sandbox/src/start-sandbox.ts',
    '^@boxoffice/stripe-sandbox/(.*)$': '<rootDir>/packages/stripe-sandbox/src/$1.ts',
  },
  transform: { '^.+\\.ts$': ['@swc/jest', { ...transpileOptions, sourceMaps: 'inline' }] },
  setupFiles: ['reflect-metadata'],
};

export default {
  // More than the two processors of CI: tests of processes and of time limits wait for most of their time.
  maxWorkers: 3,
  // The modules of a file stay in the memory of its worker. A worker beyond this is replaced, before collecting garbage costs more.
  workerIdleMemoryLimit: '700MB',
  testSequencer: '<rootDir>/test/support/slowest-first.js',
  testTimeout: 60_000,
  projects: [
    { ...shared, displayName: 'decide', testRegex: [DECIDE] },
    {
      ...shared,
      displayName: 'behaviour',
      testMatch: ['<rootDir>/test/**/*.test.ts'],
      testPathIgnorePatterns: ['/node_modules/', DECIDE],
      globalSetup: '<rootDir>/test/support/global-setup.js',
      globalTeardown: '<rootDir>/test/support/global-teardown.js',
    },
    '<rootDir>/packages/stripe-sandbox/jest.config.js',
  ],
};
