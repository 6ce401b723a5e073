import type { Config } from './config.js';
import type { Environment } from './env.js';

/** With NODE_ENV=production: records a fault for each setting, or missing setting, that is for home use. */
export function checkProductionSettings(environment: Environment, config: Config): void {
  const required: [variable: string, why: string, remedy: string][] = [
    ['DATABASE_URL', 'the embedded database is for home use', 'Set the URL of a Postgres.'],
    ['STRIPE_SECRET_KEY', 'the sandbox is for home use', 'Set a secret or restricted key of Stripe.'],
    ['STRIPE_WEBHOOK_SECRET', 'a made-up one is for home use', 'Set the signing secret of the webhook endpoint.'],
    ['ALLOWED_ORIGINS', 'localhost is for home use', 'List the origins of your front ends.'],
    ['PUBLIC_URL', 'localhost is for home use', 'Set the URL where this server is reached.'],
  ];
  for (const [variable, why, remedy] of required) {
    if (!environment.has(variable)) environment.refuse(variable, `is not set with NODE_ENV=production: ${why}`, remedy);
  }
  if (!environment.has('JWT_SECRET') && !environment.has('JWKS_URL')) {
    environment.refuse('JWT_SECRET', 'is not set with NODE_ENV=production, nor is JWKS_URL', 'Set one of them.');
  }
  const encrypted = [
    ['ALLOWED_ORIGINS', config.http.allowedOrigins, environment.has('ALLOWED_ORIGINS')],
    ['PUBLIC_URL', [config.http.publicUrl], environment.has('PUBLIC_URL')],
    ['JWKS_URL', [config.identity.jwksUrl], environment.has('JWKS_URL')],
    ['STRIPE_API_URL', [config.stripe.apiUrl], environment.has('STRIPE_API_URL')],
  ] as const;
  for (const [variable, urls, given] of encrypted) {
    const plain = given ? urls.find((url) => url?.startsWith('http:')) : undefined;
    if (plain) environment.refuse(variable, `has ${plain}, which is not encrypted, with NODE_ENV=production`, 'Use https.');
  }
  if (config.guard.playground === 'open') {
    environment.refuse('PLAYGROUND', 'is open with NODE_ENV=production', 'Set it to admins or off.');
  }
  if (config.demo) environment.refuse('DEMO', 'is on with NODE_ENV=production', 'Remove it.');
}
