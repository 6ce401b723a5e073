import { startSandbox } from './start-sandbox.js';

/** Runs the sandbox alone until SIGINT or SIGTERM, configured by PORT, WEBHOOK_URL, WEBHOOK_SECRET and STATE_FILE. */
const { PORT = '4010', WEBHOOK_URL = null, WEBHOOK_SECRET = 'whsec_sandbox', STATE_FILE = null } = process.env;
const sandbox = await startSandbox({
  port: Number(PORT),
  webhookUrl: WEBHOOK_URL,
  webhookSecret: WEBHOOK_SECRET,
  stateFile: STATE_FILE,
});
console.log(`The Stripe sandbox is listening at ${sandbox.url}. Key: ${sandbox.secretKey}, webhook secret: ${WEBHOOK_SECRET}`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void sandbox.stop());
