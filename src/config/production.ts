import type { Config } from './config.js';
import type { Environment } from './env.js';

/** With NODE_ENV=production: records a fault for each setting, or missing setting, that is for development only. */
export function checkProductionSettings(environment: Environment, config: Config): void {
  const required: [variable: string, why: string, remedy: string][] = [
    ['DATABASE_URL', 'the embedded database is for development only', 'Set the URL of a Postgres server.'],
    ['STRIPE_SECRET_KEY', 'the sandbox is for development only', 'Set a secret or restricted Stripe key.'],
    ['STRIPE_WEBHOOK_SECRET', 'a generated one is for development only', 'Set the signing secret of the webhook endpoint.'],
    ['ALLOWED_ORIGINS', 'localhost is for development only', 'List the origins of your front ends.'],
    ['PUBLIC_URL', 'localhost is for development only', 'Set the public URL of this server.'],
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
  for (const [variable, urls, isSet] of encrypted) {
    const unencrypted = isSet ? urls.find((url) => url?.startsWith('http:')) : undefined;
    if (unencrypted)
      environment.refuse(variable, `contains ${unencrypted}, which is not encrypted, with NODE_ENV=production`, 'Use https.');
  }
  if (config.guard.playground === 'open') {
    environment.refuse('PLAYGROUND', 'is open with NODE_ENV=production', 'Set it to admins or off.');
  }
  if (config.demo) environment.refuse('DEMO', 'is on with NODE_ENV=production', 'Remove it.');
}
