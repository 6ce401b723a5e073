import '../runtime/supported-node.js';
import { parseArgs } from 'node:util';
import { readConfig } from '../config/config.js';
import { type IdentityConfig, ROLE_NAMES, type RoleName } from '../config/identity.js';
import { issueToken } from '../gateway/auth/issue-token.js';
import { explainStartupError } from '../runtime/startup-error.js';
import { parseId } from '../services/ids.js';

const USAGE = 'Usage: npm run token -- --user <uuid> --role viewer|service|support|admin [--expires-in 1h]';
const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** Parses "90s", "15m", "1h" or "7d" into seconds; null for anything else. */
function secondsOf(duration: string): number | null {
  const match = /^(\d{1,6})([smhd])$/.exec(duration);
  const seconds = match ? Number(match[1]) * (UNIT_SECONDS[match[2] as string] as number) : 0;
  return seconds > 0 ? seconds : null;
}

/** Reports invalid arguments and the usage, and exits. */
function refuse(message: string): never {
  console.error(`${message}\n${USAGE}`);
  process.exit(1);
}

function readArguments() {
  const options = {
    user: { type: 'string' },
    role: { type: 'string' },
    'expires-in': { type: 'string', default: '1h' },
  } as const;
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    return refuse((error as Error).message);
  }
}

async function run(): Promise<void> {
  const values = readArguments();
  const settings = readConfig().identity;
  const subject = subjectOf(values.user, settings);
  if (!ROLE_NAMES.includes(values.role as RoleName)) refuse('--role must be viewer, service, support or admin.');
  const expiresInSeconds = secondsOf(values['expires-in']);
  if (!expiresInSeconds) refuse('--expires-in must be a duration such as 90s, 15m, 1h or 7d.');
  const bearer = { userId: subject, role: values.role as RoleName, expiresInSeconds };
  console.log(await issueToken(settings, bearer, new Date()));
}

/** With JWT_SUBJECT=any, the subject may be any string. */
function subjectOf(user: string | undefined, { subjectNamespace }: IdentityConfig): string {
  const id = parseId(user);
  if (id) return id;
  return user && subjectNamespace ? user : refuse('--user must be a UUID.');
}

await run().catch((error: Error) => {
  console.error(explainStartupError(error, error.message));
  process.exitCode = 1;
});
