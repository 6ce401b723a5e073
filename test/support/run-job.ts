import type { Limits } from '../../src/config/config.js';
import type { JobContext } from '../../src/jobs/job.js';
import { jobDefinitions } from '../../src/jobs/jobs.js';
import type { Services } from '../../src/services/services.js';
import { defaultLimits } from './catalogue-scene.js';

/** Runs one job of the product's table, with the services that it needs; returns its report. */
export function runJob(
  name: string,
  services: Partial<Record<keyof Services, unknown>>,
  { limits = {}, context = {} }: { limits?: Partial<Limits>; context?: Partial<JobContext> } = {},
): Promise<string> {
  const hours = { reconcileCron: '15 3 * * *', verifyLedgerCron: '45 3 * * *', signLedgerRootCron: '45 4 * * *' };
  const job = jobDefinitions(services as Services, { ...defaultLimits, ...limits }, hours).find((each) => each.name === name);
  if (!job) throw new Error(`there is no job ${name}`);
  return job.run({ signal: new AbortController().signal, warn: () => {}, found: () => {}, ...context });
}
