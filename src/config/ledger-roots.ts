import { createPrivateKey, type KeyObject } from 'node:crypto';
import path from 'node:path';
import { z } from 'zod';
import { devSecret } from './dev-secrets.js';
import type { Environment } from './env.js';

/** How roots of the ledger are signed and handed to the operator (docs/proofs.md). */
export interface LedgerRootsConfig {
  /** Ed25519, PKCS #8 in base64. Undefined: generated in development; in production no roots are signed. */
  readonly privateKey: string | undefined;
  /** A shell command that gets each root on its standard input. */
  readonly command: string | undefined;
  /** The file that gets a line for each root (absolute path). */
  readonly file: string | undefined;
}

/** What PKCS #8 has before the 32 bytes of an Ed25519 key: https://www.rfc-editor.org/rfc/rfc8410#section-7 */
const PKCS8_PREFIX = '302e020100300506032b657004220420';

const privateKey = z
  .string()
  .transform((text) => text.replace(/-----(BEGIN|END) PRIVATE KEY-----|\s/g, ''))
  .refine(isEd25519, 'an Ed25519 private key (PKCS #8), as PEM or in base64');

export function readLedgerRoots(environment: Environment, production: boolean, dataDirectory: string): LedgerRootsConfig {
  const key = environment.optional('LEDGER_ROOT_PRIVATE_KEY', privateKey, { secret: true });
  const command = environment.optional('LEDGER_ROOT_COMMAND', z.string());
  const given = environment.optional('LEDGER_ROOT_FILE', z.string());
  if (command && given) environment.refuse('LEDGER_ROOT_FILE', 'is set, and so is LEDGER_ROOT_COMMAND', 'Remove one of them.');
  if (production && environment.has('LEDGER_ROOT_PRIVATE_KEY') && !command && !given) {
    environment.refuse(
      'LEDGER_ROOT_COMMAND',
      'is not set, though LEDGER_ROOT_PRIVATE_KEY is, nor is LEDGER_ROOT_FILE',
      'Set one of them.',
    );
  }
  const file = given ?? (production || command ? undefined : path.join(dataDirectory, 'ledger-roots.jsonl'));
  return { privateKey: key, command, file: file && path.resolve(file) };
}

interface KeySettings {
  readonly production: boolean;
  readonly dataDirectory: string;
  readonly ledgerRoots: LedgerRootsConfig;
}

/** The key that signs roots. In development it is generated once and kept in the data directory. Null in production without a key. */
export function ledgerRootKey({ production, dataDirectory, ledgerRoots }: KeySettings): KeyObject | null {
  if (ledgerRoots.privateKey) return keyOf(Buffer.from(ledgerRoots.privateKey, 'base64'));
  return production ? null : keyOf(Buffer.from(`${PKCS8_PREFIX}${devSecret(dataDirectory, 'ledger-root-key')}`, 'hex'));
}

const keyOf = (der: Buffer): KeyObject => createPrivateKey({ key: der, type: 'pkcs8', format: 'der' });

function isEd25519(base64: string): boolean {
  try {
    return keyOf(Buffer.from(base64, 'base64')).asymmetricKeyType === 'ed25519';
  } catch {
    return false;
  }
}
