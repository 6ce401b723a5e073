import type { JobContext } from '../../src/jobs/job.js';
import { type JobLimits, type JobServices, jobDefinitions } from '../../src/jobs/jobs.js';
import { defaultLimits } from './catalogue-scene.js';

/** Runs one job of the product's table, with the services that it needs; returns its report. */
export function runJob(
  name: string,
  services: Partial<Record<keyof JobServices, unknown>>,
  { limits = {}, context = {} }: { limits?: Partial<JobLimits>; context?: Partial<JobContext> } = {},
): Promise<string> {
  const hours = { reconcileCron: '15 3 * * *', verifyLedgerCron: '45 3 * * *' };
  const job = jobDefinitions(services as JobServices, { ...defaultLimits, ...limits }, hours).find((each) => each.name === name);
  if (!job) throw new Error(`there is no job ${name}`);
  return job.run({ signal: new AbortController().signal, warn: () => {}, found: () => {}, ...context });
}
