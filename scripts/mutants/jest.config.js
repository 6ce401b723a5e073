import path from 'node:path';
import config from '../../jest.config.js';

const { displayName, globalSetup, globalTeardown, testMatch, ...behaviour } = config.projects[1];

/** As the tests run, but for the servers, which run.js starts once, and the choice of files, which plugin.js makes. */
export default {
  ...behaviour,
  rootDir: path.resolve(import.meta.dirname, '../..'),
  testPathIgnorePatterns: ['/node_modules/'],
  testTimeout: config.testTimeout,
};
