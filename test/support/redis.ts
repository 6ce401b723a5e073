import { describe } from '@jest/globals';

/** The Redis of this run; undefined when there is none (the run's start has said so then, and fails in CI). */
export const redisUrl: string | undefined = process.env.TEST_REDIS_URL;

/** As `describe`, for behaviour that needs Redis. */
export const describeWithRedis = redisUrl ? describe : describe.skip;
