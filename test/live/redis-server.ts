import { spawnSync } from 'node:child_process';
import { describe } from '@jest/globals';

const isInstalled = spawnSync('redis-server', ['--version'], { stdio: 'ignore' }).status === 0;
if (!isInstalled) {
  if (process.env.CI === 'true') throw new Error('CI=true, and there is no redis-server: install it.');
  process.stdout.write('Tests that kill and restart Redis are skipped: no redis-server on the path.\n');
}

/** As `describe`, for behaviour that needs a Redis which can be killed. */
export const describeWithRedisServer = isInstalled ? describe : describe.skip;
