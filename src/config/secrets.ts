import type { Config } from './config.js';

type WithSecrets = Pick<
  Config,
  'databaseUrl' | 'redisUrl' | 'mongodbUrl' | 'identity' | 'stripe' | 'ledgerRoots' | 'observation'
>;

/** All secrets in the settings. */
export function secretsOf(config: WithSecrets): string[] {
  const { databaseUrl, redisUrl, mongodbUrl, identity, stripe, ledgerRoots, observation } = config;
  const passwords = [databaseUrl, redisUrl, mongodbUrl].flatMap((url) => {
    // Not with URL: MongoDB's may list several hosts.
    const password = url?.match(/^[^:]+:\/\/[^:@/]*:([^@/]*)@/)?.[1];
    return password ? [password, decodeURIComponent(password)] : [];
  });
  const headers = observation.tracing?.headers?.split(',').map((header) => header.slice(header.indexOf('=') + 1)) ?? [];
  const others = [
    ...identity.secrets,
    stripe.secretKey,
    ...stripe.webhookSecrets,
    ledgerRoots.privateKey,
    observation.metricsToken,
  ];
  return [...passwords, ...headers, ...others].filter((secret) => secret !== undefined);
}
